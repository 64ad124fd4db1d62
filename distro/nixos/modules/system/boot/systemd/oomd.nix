# systemd-oomd: ends processes before memory runs out.
{ config, lib, pkgs, utils, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.systemd.oomd;
  watched = name: mkOption {
    type = types.bool;
    default = false;
    description = "Whether memory pressure in the ${name} ends processes there.";
  };
in
{
  options.systemd.oomd = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether systemd-oomd runs.";
    };
    enableRootSlice = watched "root slice";
    enableSystemSlice = watched "system's services";
    enableUserSlices = watched "slices of users";
    settings.OOM = mkOption {
      type = types.submodule { freeformType = types.attrsOf utils.systemdUtils.lib.unitOption; };
      default = { };
      example = { DefaultMemoryPressureDurationSec = "20s"; };
      description = "Settings, see {manpage}`oomd.conf(5)`.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.systemd-oomd ];
    systemd.services.systemd-oomd.wantedBy = [ "multi-user.target" ];
    environment.etc."systemd/oomd.conf".text = utils.systemdUtils.lib.settingsToSections {
      OOM = cfg.settings.OOM;
    };
    systemd.slices =
      let
        kill = on: lib.mkIf on {
          sliceConfig.ManagedOOMMemoryPressure = "kill";
        };
      in
      {
        "-" = kill cfg.enableRootSlice;
        "system" = kill cfg.enableSystemSlice;
        "user" = kill cfg.enableUserSlices;
      };
  };
}
