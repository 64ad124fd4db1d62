# Guests of other hypervisors: the services their hosts expect.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.virtualisation;
in

{
  options.virtualisation = {
    hypervGuest = {
      enable = lib.mkEnableOption "the services of a Hyper-V guest";
      videoMode = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "1024x768";
        description = "Size of the screen.";
      };
    };
    vmware.guest = {
      enable = lib.mkEnableOption "the services of a VMware guest";
      headless = mkOption {
        type = types.bool;
        default = true;
        description = "Whether there is no graphical session.";
      };
      package = lib.mkPackageOption pkgs "open-vm-tools" { };
    };
  };

  config = lib.mkMerge [
    (mkIf cfg.hypervGuest.enable {
      boot.initrd.kernelModules = [ "hv_balloon" "hv_netvsc" "hv_storvsc" "hv_utils" "hv_vmbus" ];
      boot.initrd.availableKernelModules = [ "hyperv_keyboard" ];
      boot.kernelParams = lib.optional (cfg.hypervGuest.videoMode != null) "video=hyperv_fb:${cfg.hypervGuest.videoMode} elevator=noop";
      environment.systemPackages = [ pkgs.hyperv-daemons ];
      systemd.services.hv-kvp-daemon = {
        overrideStrategy = "asDropin";
        wantedBy = [ "multi-user.target" ];
      };
      systemd.services.hv-vss-daemon = {
        overrideStrategy = "asDropin";
        wantedBy = [ "multi-user.target" ];
      };
    })
    (mkIf cfg.vmware.guest.enable {
      boot.initrd.availableKernelModules = [ "mptspi" "vmw_pvscsi" ];
      environment.systemPackages = [ cfg.vmware.guest.package ];
      systemd.services.open-vm-tools = {
        overrideStrategy = "asDropin";
        wantedBy = [ "multi-user.target" ];
      };
      systemd.services.vgauth = {
        overrideStrategy = "asDropin";
        wantedBy = [ "open-vm-tools.service" ];
      };
    })
  ];
}
