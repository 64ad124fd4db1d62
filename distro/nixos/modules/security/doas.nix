# doas, a small sudo: Debian's opendoas, by rules.
{ config, lib, pkgs, ... }:

let
  inherit (lib) concatMapStrings concatStringsSep mkIf mkOption optional types;
  cfg = config.security.doas;
  bool = default: description: mkOption { type = types.bool; inherit default description; };

  rule.options = {
    noPass = bool false "Whether no password is asked for.";
    noLog = bool false "Whether successful uses are not logged.";
    persist = bool false "Whether the password is asked for only now and then.";
    keepEnv = bool false "Whether variables of the environment are kept.";
    setEnv = mkOption { type = types.listOf types.str; default = [ ]; example = [ "PATH=/bin" "-SECRET" ]; description = "Variables that are set, kept, or taken away."; };
    users = mkOption { type = types.listOf (types.either types.str types.int); default = [ ]; description = "Who may."; };
    groups = mkOption { type = types.listOf (types.either types.str types.int); default = [ ]; description = "Whose members may."; };
    runAs = mkOption { type = types.nullOr types.str; default = null; description = "As whom; null for anybody."; };
    cmd = mkOption { type = types.nullOr types.str; default = null; description = "Which program; null for any."; };
    args = mkOption { type = types.nullOr (types.listOf types.str); default = null; description = "With which arguments; null for any."; };
  };

  line = rule: subject: concatStringsSep " " (
    [ "permit" ]
    ++ optional rule.noPass "nopass"
    ++ optional rule.noLog "nolog"
    ++ optional rule.persist "persist"
    ++ optional rule.keepEnv "keepenv"
    ++ [ "setenv { SSH_AUTH_SOCK TERMINFO_DIRS ${concatStringsSep " " rule.setEnv} }" subject ]
    ++ optional (rule.runAs != null) "as ${rule.runAs}"
    ++ optional (rule.cmd != null) "cmd ${rule.cmd}"
    ++ optional (rule.cmd != null && rule.args != null) "args ${concatStringsSep " " rule.args}"
  ) + "\n";
  lines = rule: concatMapStrings (line rule) (
    map toString rule.users ++ map (group: ":${toString group}") rule.groups
  );
in

{
  options.security.doas = {
    enable = lib.mkEnableOption "doas, which runs programs as another user";
    wheelNeedsPassword = bool true "Whether members of `wheel` are asked for their password.";
    extraRules = mkOption {
      type = types.listOf (types.submodule rule);
      default = [ ];
      example = [ { groups = [ "backup" ]; cmd = "rsync"; noPass = true; } ];
      description = "Rules; the last that fits counts.";
    };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Lines at the end of {file}`/etc/doas.conf`."; };
  };

  config = mkIf cfg.enable {
    assertions = [{
      assertion = lib.all (rule: rule.cmd != null || rule.args == null) cfg.extraRules;
      message = "security.doas.extraRules: args need cmd.";
    }];
    security.doas.extraRules = lib.mkOrder 600 [
      { groups = [ "wheel" ]; noPass = !cfg.wheelNeedsPassword; }
    ];
    environment.systemPackages = [ pkgs.opendoas ];
    security.wrappers.doas = {
      source = "${pkgs.opendoas}/usr/bin/doas";
      owner = "root";
      group = "root";
      setuid = true;
      links = [ "usr/bin/doas" ];
    };
    security.pam.services.doas = { };
    environment.etc."doas.conf" = {
      text = concatMapStrings lines cfg.extraRules + "permit nopass keepenv root\n" + cfg.extraConfig;
      mode = "0440";
    };
  };
}
