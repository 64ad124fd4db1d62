# udev: rules, the hardware database, firmware.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.services.udev;

  extraHwdb = pkgs.writeText "99-local.hwdb" cfg.extraHwdb;
  hwdbSources =
    [ "${pkgs.udev}/usr/lib/udev/hwdb.d" ]
    ++ map (package: "${package}/usr/lib/udev/hwdb.d") (lib.filter lib.isDerivation cfg.packages)
    ++ lib.optional (cfg.extraHwdb != "") "${extraHwdb}";
in

{
  options = {
    boot.hardwareScan = mkOption {
      type = types.bool;
      default = true;
      description = "Whether modules are loaded for the hardware that is found.";
    };
    services.udev = {
      enable = lib.mkEnableOption "udev" // { default = true; };
      packages = mkOption {
        type = types.listOf types.path;
        default = [ ];
        description = "Packages with rules; they become part of the system.";
      };
      path = mkOption {
        type = types.listOf types.path;
        default = [ ];
        description = "Packages whose programs rules use.";
      };
      extraRules = mkOption {
        type = types.lines;
        default = "";
        example = ''ENV{ID_VENDOR_ID}=="046d", ENV{PULSE_IGNORE}="1"'';
        description = "Rules that come last, as {file}`99-local.rules`.";
      };
      extraHwdb = mkOption {
        type = types.lines;
        default = "";
        description = "Entries of the hardware database.";
      };
    };
    networking.wlanInterfaces = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      internal = true;
      description = "Accepted for compatibility.";
    };
  };

  config = mkIf cfg.enable {
    environment.systemPackages = [ pkgs.udev ] ++ lib.filter lib.isDerivation (cfg.packages ++ cfg.path);
    environment.etc = {
      "udev/hwdb.bin".source = pkgs.makeHwdb { name = "hwdb.bin"; sources = hwdbSources; };
      "udev/rules.d/99-local.rules" = mkIf (cfg.extraRules != "") { text = cfg.extraRules; };
      "udev/rules.d/80-drivers.rules" = mkIf (!config.boot.hardwareScan) {
        text = "# No modules for found hardware: boot.hardwareScan is off.\n";
      };
      "udev/hwdb.d/99-local.hwdb" = mkIf (cfg.extraHwdb != "") { text = cfg.extraHwdb; };
    };
  };
}
