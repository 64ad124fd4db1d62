# What all installation media have in common: hardware of every kind, and nothing of the disks of
# the machine they are started on.
{ config, lib, ... }:

let
  inherit (lib) mkDefault mkImageMediaOverride;
in
{
  imports = [
    ./iso-image.nix
    ../../profiles/base.nix
    ../../profiles/installation-device.nix
  ];

  hardware.enableAllHardware = true;

  isoImage.makeEfiBootable = true;
  isoImage.makeUsbBootable = true;
  boot.loader.grub.memtest86.enable = true;

  # The medium is started on a machine whose disks are yet to be formatted: whatever file systems
  # the configuration of that machine has cannot be mounted.
  fileSystems = mkImageMediaOverride config.lib.isoFileSystems;
  swapDevices = mkImageMediaOverride [ ];
  boot.initrd.luks.devices = mkImageMediaOverride { };

  # live.nixos.passwd=… on the kernel's command line sets the password of the user nixos.
  boot.postBootCommands = ''
    for parameter in $(cat /proc/cmdline); do
      case $parameter in
        live.nixos.passwd=*)
          echo "nixos:''${parameter#live.nixos.passwd=}" | /usr/sbin/chpasswd
          ;;
      esac
    done
  '';

  system.stateVersion = mkDefault lib.trivial.release;
}
