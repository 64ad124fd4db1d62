# less, the pager.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.programs.less;

  section = name: bindings: lib.optionalString (bindings != { }) ''
    #${name}
    ${lib.concatStringsSep "\n" (lib.mapAttrsToList (key: action: "${key} ${action}") bindings)}
  '';
  keyFile = pkgs.writeText "lessconfig" (
    section "command" cfg.commands
    + lib.optionalString cfg.clearDefaultCommands "#stop\n"
    + section "line-edit" cfg.lineEditingKeys
    + lib.optionalString (cfg.envVariables != { }) ''
      #env
      ${lib.concatStringsSep "\n" (lib.mapAttrsToList (name: value: "${name}=${value}") cfg.envVariables)}
    '');
  strings = description: mkOption {
    type = types.attrsOf types.str;
    default = { };
    inherit description;
  };
in

{
  options.programs.less = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether less is there and configured.";
    };
    package = lib.mkPackageOption pkgs "less" { };
    configFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "A lesskey(1) file; null makes one from the other options.";
    };
    commands = strings "Keys and the commands they give." // {
      example = { h = "noaction 5\\e("; };
    };
    clearDefaultCommands = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the usual keys are taken away.";
    };
    lineEditingKeys = strings "Keys in the editing line.";
    envVariables = strings "Variables that less sees." // { default = { LESS = "-R"; }; };
    lessopen = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "A preprocessor for files (`LESSOPEN`).";
    };
    lessclose = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "A postprocessor for files (`LESSCLOSE`).";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.variables = {
      LESSKEYIN_SYSTEM = toString (if cfg.configFile != null then cfg.configFile else keyFile);
    }
    // lib.optionalAttrs (cfg.lessopen != null) { LESSOPEN = cfg.lessopen; }
    // lib.optionalAttrs (cfg.lessclose != null) { LESSCLOSE = cfg.lessclose; };
  };
}
