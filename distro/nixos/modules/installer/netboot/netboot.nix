# A system that a network boot loader starts: a kernel, and an initrd that carries the whole store.
#
# Enforced on a configuration are the root file system and the store, no more.
{ config, lib, pkgs, ... }:

let
  inherit (lib) literalExpression mkImageMediaOverride mkOption types;
  inherit (config.system.build) toplevel;
  parameters = lib.concatStringsSep " "
    ([ "init=${toplevel}/init" ] ++ config.boot.kernelParams);
  kernelFile = config.system.boot.loader.kernelFile;
in
{
  imports = [ ../../image/file-options.nix ];

  options.netboot = {
    squashfsCompression = mkOption {
      type = types.str;
      default = "zstd -Xcompression-level 6";
      example = "zstd -Xcompression-level 19";
      description = "How the store is compressed, in the words of mksquashfs.";
    };

    storeContents = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = literalExpression "[ pkgs.gcc ]";
      description = "Packages in the store, besides those of the system.";
    };
  };

  config = {
    # The network boot loader starts the system.
    boot.loader.grub.enable = mkImageMediaOverride false;
    boot.loader.timeout = lib.mkDefault 10;

    fileSystems."/" = mkImageMediaOverride {
      fsType = "tmpfs";
      options = [ "mode=0755" ];
    };
    # The store's file is in the initrd itself.
    fileSystems."/nix/.ro-store" = mkImageMediaOverride {
      fsType = "squashfs";
      device = "../nix-store.squashfs";
      options = [ "loop" ];
      neededForBoot = true;
    };
    fileSystems."/nix/.rw-store" = mkImageMediaOverride {
      fsType = "tmpfs";
      options = [ "mode=0755" ];
      neededForBoot = true;
    };
    fileSystems."/nix/store" = mkImageMediaOverride {
      overlay = {
        lowerdir = [ "/nix/.ro-store" ];
        upperdir = "/nix/.rw-store/store";
        workdir = "/nix/.rw-store/work";
      };
      neededForBoot = true;
    };

    boot.initrd.availableKernelModules = [ "squashfs" "overlay" ];
    boot.initrd.kernelModules = [ "loop" "overlay" ];

    netboot.storeContents = [ toplevel ];

    system.build = {
      squashfsStore = pkgs.makeSquashfs {
        storeContents = config.netboot.storeContents;
        comp = config.netboot.squashfsCompression;
        inherit (config.system.build) compressEarly;
      };

      # The archive behind the initrd proper holds compressed data only.
      netbootRamdisk = pkgs.makeInitrd {
        name = "netboot-ramdisk";
        compression = "none";
        prepend = [ "${config.system.build.initialRamdisk}/${config.system.boot.loader.initrdFile}" ];
        contents = [ { path = "/nix-store.squashfs"; source = config.system.build.squashfsStore; } ];
      };

      netbootIpxeScript = pkgs.writeTextDir "netboot.ipxe" ''
        #!ipxe
        # Another script that chains to this one may set cmdline to further kernel parameters.
        kernel ${kernelFile} initrd=initrd ${parameters} ''${cmdline}
        initrd initrd
        boot
      '';

      kexecScript = pkgs.writeScript "kexec-boot" ''
        #!/usr/bin/env bash
        # Starts the system beside this script in place of the one that is running.
        if ! command -v kexec > /dev/null; then
          echo "kexec was not found: install kexec-tools" >&2
          exit 1
        fi
        here=$(cd "$(dirname "''${BASH_SOURCE[0]}")" && pwd)
        kexec --load "$here/${kernelFile}" --initrd="$here/initrd.gz" --command-line "${parameters}" || exit 1
        kexec -e
      '';

      # Files, not links: the tree is copied to the machine whose system it replaces.
      kexecTree = pkgs.writeTree {
        name = "kexec-tree";
        entries = {
          "initrd.gz".source = "${config.system.build.netbootRamdisk}/initrd";
          ${kernelFile}.source = config.system.build.kernel.imageFile;
          "kexec-boot" = { source = "${config.system.build.kexecScript}"; mode = "0555"; };
        };
      };

      # All that a boot server has to offer, in one folder: files, not links, to be served from
      # wherever the folder is copied to.
      netboot = pkgs.writeTree {
        name = "netboot";
        entries = {
          "initrd".source = "${config.system.build.netbootRamdisk}/initrd";
          ${kernelFile}.source = config.system.build.kernel.imageFile;
          "netboot.ipxe".source = "${config.system.build.netbootIpxeScript}/netboot.ipxe";
        };
      };

      image = config.system.build.netboot;
    };

    image.extension = "ipxe";
    image.baseName = lib.mkDefault "netboot";

    # live.nixos.password=… and live.nixos.passwordHash=… set the password of root, if it has none.
    boot.postBootCommands = ''
      for parameter in $(cat /proc/cmdline); do
        if ! grep -q '^root::' /etc/shadow; then continue; fi
        case $parameter in
          live.nixos.passwordHash=*)
            /usr/sbin/usermod -p "''${parameter#live.nixos.passwordHash=}" root
            ;;
          live.nixos.password=*)
            echo "root:''${parameter#live.nixos.password=}" | /usr/sbin/chpasswd
            ;;
        esac
      done
    '';
  };
}
