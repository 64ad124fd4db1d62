# Telling SSDs which blocks are free.
{ config, lib, ... }:

let
  cfg = config.services.fstrim;
in

{
  options.services.fstrim = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether mounted file systems are trimmed regularly.";
    };
    interval = lib.mkOption {
      type = lib.types.str;
      default = "weekly";
      description = "How often (systemd.time(7)).";
    };
  };
  config = lib.mkIf cfg.enable {
    systemd.timers.fstrim = {
      overrideStrategy = "asDropin";
      wantedBy = [ "timers.target" ];
      timerConfig.OnCalendar = [ "" cfg.interval ];
    };
  };
}
