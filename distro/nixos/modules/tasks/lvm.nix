# Logical volumes.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.lvm;
in

{
  options.services.lvm = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether logical volumes are found and activated.";
    };
    package = lib.mkPackageOption pkgs "lvm2" { };
    dmeventd.enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether volumes are watched (snapshots, mirrors).";
    };
    boot.thin.enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether thin volumes can be used.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ]
      ++ lib.optional cfg.dmeventd.enable pkgs.dmeventd
      ++ lib.optional cfg.boot.thin.enable pkgs.thin-provisioning-tools;
    boot.kernelModules = [ "dm_mod" ];
    systemd.installedUnits = [ "lvm2-lvmpolld.socket" ] ++ lib.optional cfg.dmeventd.enable "lvm2-monitor.service";
  };
}
