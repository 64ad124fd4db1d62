# Rotation of log files by logrotate; the journal keeps itself small, so it is off by default.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.logrotate;
  valueText = name: value:
    if value == true then name
    else if value == false then "no${name}"
    else "${name} ${toString value}";
  # Scripts end with a line of their own.
  scripts = [ "prerotate" "postrotate" "firstaction" "lastaction" "preremove" ];
  settingText = name: value:
    if lib.elem name scripts then "  ${name}\n${value}\n  endscript\n" else "  ${valueText name value}\n";
  blockText = name: block:
    let
      settings = builtins.removeAttrs block [ "files" "enable" "global" "priority" ];
      lines = lib.concatStrings (lib.mapAttrsToList settingText (lib.filterAttrs (_: value: value != null) settings));
    in
    if block.global then lines
    else "${lib.concatMapStringsSep " " (file: ''"${file}"'') (lib.toList block.files)} {\n${lines}}\n";
  blocks = lib.sort (a: b: a.value.priority < b.value.priority)
    (lib.filter (entry: entry.value.enable) (lib.mapAttrsToList lib.nameValuePair cfg.settings));
in

{
  options.services.logrotate = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether log files are rotated.";
    };
    settings = mkOption {
      default = { };
      description = "Log files and how they are rotated.";
      type = types.attrsOf (types.submodule ({ name, ... }: {
        freeformType = types.attrsOf (types.nullOr (types.oneOf [ types.int types.str types.bool ]));
        options = {
          enable = mkOption {
            type = types.bool;
            default = true;
            description = "Whether the entry counts.";
          };
          global = mkOption {
            type = types.bool;
            default = name == "header";
            description = "Whether the settings are for all files.";
          };
          files = mkOption {
            type = types.either types.str (types.listOf types.str);
            default = name;
            description = "The log files.";
          };
          priority = mkOption {
            type = types.int;
            default = if name == "header" then 100 else 1000;
            description = "Order among entries.";
          };
        };
      }));
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.logrotate ];
    environment.etc."logrotate.conf".text = lib.concatMapStrings (entry: blockText entry.name entry.value) blocks;
    systemd.timers.logrotate = { overrideStrategy = "asDropin"; wantedBy = [ "timers.target" ]; };
  };
}
