# Time zone and the hardware clock's kind.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  zones = import ./time-zones.nix;
  zone = types.nullOr (types.addCheck types.str (name: lib.elem name zones)) // {
    description = "null or name of a time zone, such as Europe/Berlin";
    knownNames = zones;
  };
in

{
  options = {
    time = {
      timeZone = mkOption {
        type = zone;
        default = null;
        example = "America/New_York";
        description = "Time zone; null means UTC unless `timedatectl` sets another on the machine.";
      };
      hardwareClockInLocalTime = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the hardware clock shows local time instead of UTC.";
      };
    };
    location = {
      latitude = mkOption { type = types.float; description = "Latitude in degrees."; };
      longitude = mkOption { type = types.float; description = "Longitude in degrees."; };
      provider = mkOption {
        type = types.enum [ "manual" "geoclue2" ];
        default = "manual";
        description = "Where the location comes from.";
      };
    };
  };

  config = {
    environment.systemPackages = [ pkgs.tzdata ];
    environment.etc = {
      # NixOS's path for the zone files, used by configurations and programs built for it.
      zoneinfo.source = "/usr/share/zoneinfo";
    }
    // lib.optionalAttrs (config.time.timeZone != null) {
      localtime = {
        source = "/usr/share/zoneinfo/${config.time.timeZone}";
        mode = "direct-symlink";
      };
      timezone.text = "${config.time.timeZone}\n";
    }
    // lib.optionalAttrs config.time.hardwareClockInLocalTime {
      adjtime.text = "0.0 0 0\n0\nLOCAL\n";
    };
  };
}
