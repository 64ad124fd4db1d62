# Growing the root partition to the size of its disk, at boot.
{ config, lib, pkgs, ... }:

{
  options.boot.growPartition =
    lib.mkEnableOption "growing the partition of the root file system to the space behind it";

  config = lib.mkIf config.boot.growPartition {
    systemd.services.growpart = {
      description = "Growing of the root partition";
      wantedBy = [ "-.mount" ];
      after = [ "-.mount" ];
      before = [ "systemd-growfs-root.service" "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      unitConfig.DefaultDependencies = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        TimeoutSec = "infinity";
        # 1 says that the partition has its full size already.
        SuccessExitStatus = "0 1";
      };
      script = ''
        device=$(findmnt --noheadings --output SOURCE / | sed 's/\[.*//')
        name=$(basename "$(readlink -f "$device")")
        number=$(cat "/sys/class/block/$name/partition")
        disk=$(basename "$(dirname "$(readlink -f "/sys/class/block/$name")")")
        exec ${pkgs.cloud-guest-utils}/bin/growpart "/dev/$disk" "$number"
      '';
    };
  };
}
