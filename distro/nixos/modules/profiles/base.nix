# Tools and file systems that an installation or rescue medium needs.
{ config, lib, pkgs, ... }:

{
  environment.systemPackages = map (name: pkgs.${name}) [
    # Boot and partitions
    "testdisk"
    "efibootmgr"
    "efivar"
    "parted"
    "gdisk"
    "fdisk"
    "gddrescue"
    "dosfstools"
    "e2fsprogs"
    "lvm2"
    "mdadm"
    # Encryption
    "cryptsetup-bin"
    "ccrypt"
    # Files over the network
    "fuse3"
    "rsync"
    "wget"
    "sshfs"
    "socat"
    "screen"
    "tcpdump"
    "curl"
    "w3m"
    # Hardware
    "sdparm"
    "hdparm"
    "smartmontools"
    "pciutils"
    "usbutils"
    "nvme-cli"
    # Archives and data
    "unzip"
    "zip"
    "jq"
    "file"
    "vim"
  ];

  # ZFS is not in Debian's kernel, so it is not among them.
  boot.supportedFilesystems = [ "ext2" "ext3" "ext4" "btrfs" "cifs" "f2fs" "ntfs" "vfat" "xfs" ];

  networking.hostId = lib.mkDefault "8425e349";
}
