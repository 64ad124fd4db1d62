# systemd-timesyncd: the clock follows time servers.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.timesyncd;
in

{
  options.services.timesyncd = {
    enable = mkOption {
      type = types.bool;
      default = !(config.boot.isContainer or false);
      defaultText = lib.literalExpression "!config.boot.isContainer";
      description = "Whether the clock is set from the network.";
    };
    servers = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      description = "Time servers; null takes {option}`networking.timeServers`.";
    };
    fallbackServers = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = config.networking.timeServers;
      defaultText = lib.literalExpression "config.networking.timeServers";
      description = "Time servers if no other is known.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      example = "PollIntervalMaxSec=180";
      description = "Lines added to {file}`timesyncd.conf`.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.systemd-timesyncd ];
    environment.etc."systemd/timesyncd.conf".text = ''
      [Time]
    ''
    + lib.optionalString (cfg.servers != null) "NTP=${lib.concatStringsSep " " cfg.servers}\n"
    + lib.optionalString (cfg.fallbackServers != null) "FallbackNTP=${lib.concatStringsSep " " cfg.fallbackServers}\n"
    + cfg.extraConfig;
    systemd.services.systemd-timesyncd = {
      overrideStrategy = "asDropin";
      wantedBy = [ "sysinit.target" ];
      aliases = [ "dbus-org.freedesktop.timesync1.service" ];
    };
  };
}
