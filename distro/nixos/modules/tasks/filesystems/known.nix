# What each type of file system needs: programs in the system, modules in the first stage of booting.
#
# A type that is not in the table needs nothing but the kernel, which loads its driver by itself.
{ config, lib, pkgs, ... }:

let
  inherit (lib) concatMap elem filter mkIf optionals;

  ext = { packages = [ pkgs.e2fsprogs ]; modules = [ "ext4" "crc32c" ]; };

  known = {
    ext2 = ext;
    ext3 = ext;
    ext4 = ext;
    vfat = {
      packages = [ pkgs.dosfstools pkgs.mtools ];
      modules = [ "vfat" "nls_cp437" "nls_iso8859-1" "nls_ascii" "nls_utf8" ];
    };
    exfat = { packages = [ pkgs.exfatprogs ]; modules = [ "exfat" ]; };
    ntfs = { packages = [ pkgs.ntfs-3g ]; modules = [ "ntfs3" ]; };
    ntfs3 = { packages = [ pkgs.ntfs-3g ]; modules = [ "ntfs3" ]; };
    btrfs = {
      packages = [ pkgs.btrfs-progs ];
      modules = [ "btrfs" "crc32c" "xxhash64" "blake2b-256" ];
    };
    xfs = { packages = [ pkgs.xfsprogs ]; modules = [ "xfs" "crc32c" ]; };
    f2fs = { packages = [ pkgs.f2fs-tools ]; modules = [ "f2fs" "crc32" ]; };
    jfs = { packages = [ pkgs.jfsutils ]; modules = [ "jfs" ]; };
    nfs = { packages = [ pkgs.nfs-common ]; modules = [ "nfs" "nfsv4" ]; };
    nfs4 = { packages = [ pkgs.nfs-common ]; modules = [ "nfs" "nfsv4" ]; };
    cifs = { packages = [ pkgs.cifs-utils ]; modules = [ "cifs" "nls_utf8" ]; };
    erofs = { packages = [ pkgs.erofs-utils ]; modules = [ "erofs" ]; };
    squashfs = { packages = [ ]; modules = [ "squashfs" ]; };
    iso9660 = { packages = [ ]; modules = [ "iso9660" ]; };
    overlay = { packages = [ ]; modules = [ "overlay" ]; };
    "9p" = { packages = [ ]; modules = [ "9p" "9pnet_virtio" ]; };
    virtiofs = { packages = [ ]; modules = [ "virtiofs" ]; };
  };

  supported = switches: filter (name: switches.${name} or false) (lib.attrNames known);

  # Debian has these only as sources to be compiled against the running kernel.
  unavailable = filter (name: config.boot.supportedFilesystems.${name} or false)
    [ "zfs" "bcachefs" "apfs" "reiserfs" ];
in
{
  config = {
    system.fsPackages = lib.unique (concatMap (name: known.${name}.packages)
      (supported config.boot.supportedFilesystems));

    boot.initrd.availableKernelModules = lib.unique (concatMap (name: known.${name}.modules)
      (supported config.boot.initrd.supportedFilesystems));

    assertions = map (name: {
      assertion = false;
      message = ''
        boot.supportedFilesystems has ${name}, whose driver is not part of Debian's kernel packages.
        Switch it off with: boot.supportedFilesystems.${name} = lib.mkForce false;
      '';
    }) unavailable;
  };
}
