# An ISO image that boots into this configuration, from CD, DVD or USB disk, by BIOS or UEFI.
#
# The whole store of the system lies on the image as one squashfs file. What is written on top of it
# while it runs is kept in memory. Only the file systems this needs are enforced on a configuration
# (at the priority of mkImageMediaOverride): what else a host mounts stays.
#
# BIOS boots isolinux; UEFI boots Debian's signed shim and GRUB, with Secure Boot on or off.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib)
    concatMap literalExpression mkEnableOption mkImageMediaOverride mkOption optional optionals
    optionalAttrs optionalString types
    ;
  cfg = config.isoImage;

  menu = import ./boot-menu.nix { inherit config lib pkgs; };

  text = target: content: {
    source = pkgs.writeText (builtins.baseNameOf target) content;
    inherit target;
  };

  # The file names of UEFI boot programs, by machine type.
  efi = {
    amd64 = { suffix = "x64"; fallback = "BOOTX64.EFI"; folder = "x86_64-efi-signed"; };
    arm64 = { suffix = "aa64"; fallback = "BOOTAA64.EFI"; folder = "arm64-efi-signed"; };
  }.${pkgs.debian.architecture};

  efiPrograms = [
    {
      source = "${pkgs.shim-signed}/usr/lib/shim/shim${efi.suffix}.efi.signed";
      target = "/EFI/BOOT/${efi.fallback}";
    }
    {
      source = "${pkgs."grub-efi-${pkgs.debian.architecture}-signed"}/usr/lib/grub/${efi.folder}/"
        + "gcd${efi.suffix}.efi.signed";
      target = "/EFI/BOOT/grub${efi.suffix}.efi";
    }
    {
      source = "${pkgs."shim-helpers-${pkgs.debian.architecture}-signed"}/usr/lib/shim/"
        + "mm${efi.suffix}.efi.signed";
      target = "/EFI/BOOT/mm${efi.suffix}.efi";
    }
  ];

  efiImage = pkgs.makeFatImage {
    name = "efi-partition.img";
    volumeLabel = "EFIBOOT";
    contents = efiPrograms ++ [ (text "/boot/grub/grub.cfg" menu.grubOfEfiPartition) ];
  };

  isolinuxModules = [
    "ldlinux.c32" "libcom32.c32" "libutil.c32" "menu.c32" "vesamenu.c32" "reboot.c32" "poweroff.c32"
  ];

  biosContents = [
    (text "/isolinux/isolinux.cfg" menu.isolinux)
    { source = "${pkgs.isolinux}/usr/lib/ISOLINUX/isolinux.bin"; target = "/isolinux/isolinux.bin"; }
  ] ++ map (module: {
    source = "${pkgs.syslinux-common}/usr/lib/syslinux/modules/bios/${module}";
    target = "/isolinux/${module}";
  }) isolinuxModules
  ++ optional (cfg.splashImage != null) {
    source = cfg.splashImage;
    target = "/isolinux/background.png";
  };

  efiContents = [ { source = efiImage; target = "/boot/efi.img"; } ]
    # For those who copy the files of the image to a stick of their own.
    ++ efiPrograms
    ++ optional (cfg.efiSplashImage != null) {
      source = cfg.efiSplashImage;
      target = "/boot/grub/background.png";
    }
    ++ optional (cfg.grubTheme != null) { source = cfg.grubTheme; target = "/boot/grub/theme"; }
    ++ optional menu.isGraphical {
      source = "${pkgs.grub-common}/usr/share/grub/unicode.pf2";
      target = menu.grubFont;
    };

  # GRUB's menu is there without UEFI too: loopback.cfg is for another system's GRUB that starts
  # the image as a file on a disk.
  grubContents = [
    (text "/boot/grub/grub.cfg" menu.grub)
    (text "/boot/grub/loopback.cfg" ''
      source /boot/grub/grub.cfg
    '')
  ];

  memtestContents = [
    { source = "${pkgs."memtest86+"}/boot/memtest86+x64.bin"; target = "/boot/memtest.bin"; }
    { source = "${pkgs."memtest86+"}/boot/memtest86+x64.efi"; target = "/boot/memtest.efi"; }
  ];

  toplevels = map (system: "${system.cfg.system.build.toplevel}") menu.systems;

  systemContents = concatMap (system: [
    { source = system.cfg.system.build.kernel.imageFile; target = system.kernel; }
    {
      source = "${system.cfg.system.build.initialRamdisk}/${system.cfg.system.boot.loader.initrdFile}";
      target = system.initrd;
    }
  ]) menu.systems;

  otherLabels = lib.attrNames (lib.filterAttrs
    (_: specialisation: specialisation.configuration.isoImage.volumeID != cfg.volumeID)
    config.specialisation);

  labelLength = lib.stringLength cfg.volumeID;

  picture = what: mkOption {
    type = types.nullOr types.path;
    default = null;
    description = "A picture (PNG) behind the boot menu ${what}; null for a menu in text mode.";
  };
in
{
  imports = [
    (lib.mkRenamedOptionModuleWith {
      sinceRelease = 2505;
      from = [ "isoImage" "isoBaseName" ];
      to = [ "image" "baseName" ];
    })
    (lib.mkRenamedOptionModuleWith {
      sinceRelease = 2505;
      from = [ "isoImage" "isoName" ];
      to = [ "image" "fileName" ];
    })
    ../../image/file-options.nix
  ];

  options.isoImage = {
    compressImage = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the finished image is compressed with zstd, to be unpacked before use.";
    };

    squashfsCompression = mkOption {
      type = types.nullOr types.str;
      default = "zstd -Xcompression-level 6";
      example = "zstd -Xcompression-level 19";
      description = ''
        How the store on the image is compressed, in the words of mksquashfs: the name of the
        method and its options; null for not at all. Level 19 makes it about a tenth smaller and
        takes many times as long.
      '';
    };

    edition = mkOption {
      type = types.str;
      default = "";
      description = "The edition that the names of the image and of its volume speak of.";
    };

    volumeID = mkOption {
      type = types.str;
      default = lib.concatStringsSep "-" (
        [ config.system.nixos.distroId ] ++ optional (cfg.edition != "") cfg.edition
        ++ [ config.system.nixos.release pkgs.stdenv.hostPlatform.uname.processor ]
      );
      defaultText = literalExpression ''"''${distroId}-''${edition}-''${release}-''${processor}"'';
      description = ''
        The label of the image's file system, at most 32 characters. It helps to find the medium if
        its files were copied elsewhere; otherwise the medium is known by what is on it.
      '';
    };

    contents = mkOption {
      type = types.listOf (types.submodule {
        options = {
          source = mkOption {
            type = types.oneOf [ types.package types.path types.str ];
            description = "A file or folder.";
          };
          target = mkOption {
            type = types.str;
            description = "Its place on the image.";
          };
        };
      });
      default = [ ];
      example = literalExpression ''
        [ { source = ./notes.txt; target = "/notes.txt"; } ]
      '';
      description = "Files that are put on the image, besides its store.";
    };

    storeContents = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = literalExpression "[ pkgs.gcc ]";
      description = "Packages in the store of the image, besides those of the system.";
    };

    includeSystemBuildDependencies = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether all that the system was built from is in the store of the image. A system made of
        Debian's packages is built from them alone, so this is refused: name the packages that
        shall be there without network in {option}`isoImage.storeContents`.
      '';
    };

    makeBiosBootable = mkOption {
      type = types.bool;
      default = pkgs.stdenv.hostPlatform.isx86_64;
      defaultText = lib.literalMD "`true` on x86 machines";
      description = "Whether machines with BIOS can boot the image.";
    };

    makeEfiBootable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether machines with UEFI can boot the image.";
    };

    makeUsbBootable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the image boots from a USB disk that it was written to as it is.";
    };

    splashImage = picture "of machines with BIOS";
    efiSplashImage = picture "of machines with UEFI";

    grubTheme = mkOption {
      type = types.nullOr (types.either types.path types.package);
      default = null;
      description = "A folder with a theme of GRUB's, for machines with UEFI.";
    };

    syslinuxTheme = mkOption {
      type = types.str;
      default = ''
        MENU TITLE ${config.system.nixos.distroName}
        MENU CLEAR
        MENU ROWS 12
        MENU TABMSG Press [Tab] to change the parameters of an entry
        MENU COLOR BORDER  37;40   #00000000 #00000000 none
        MENU COLOR TITLE   1;37;40 #FFFFFFFF #00000000 none
        MENU COLOR SEL     1;37;44 #FFFFFFFF #FF3465A4 std
        MENU COLOR HOTSEL  1;33;44 #FFFFFF00 #FF3465A4 std
        MENU COLOR UNSEL   37;40   #FFD3D7CF #00000000 none
        MENU COLOR HOTKEY  1;33;40 #FFFFFF00 #00000000 none
        MENU COLOR TABMSG  37;40   #FFD3D7CF #00000000 none
      '';
      description = "How isolinux's menu looks: lines of its configuration.";
    };

    prependToMenuLabel = mkOption {
      type = types.str;
      default = "";
      example = "Install ";
      description = "Text right before the name of the system in the boot menu.";
    };

    appendToMenuLabel = mkOption {
      type = types.str;
      default = " Installer";
      example = " Live System";
      description = "Text right after the name of the system in the boot menu.";
    };

    configurationName = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "GNOME";
      description = "Name of this configuration in the boot menu.";
    };

    showConfiguration = mkEnableOption "show this configuration in the menu" // { default = true; };

    forceTextMode = mkOption {
      type = types.bool;
      default = false;
      description = "Whether GRUB's menu is in text mode, whatever pictures and themes are set.";
    };
  };

  # The installer takes the same layout, and enforces that there is no other.
  config.lib.isoFileSystems = {
    "/" = mkImageMediaOverride {
      fsType = "tmpfs";
      options = [ "mode=0755" ];
    };
    # The first boot stage finds the medium; no name of a device or label is relied on.
    "/iso" = mkImageMediaOverride {
      device = "/dev/root";
      fsType = "iso9660";
      neededForBoot = true;
      noCheck = true;
    };
    "/nix/.ro-store" = mkImageMediaOverride {
      fsType = "squashfs";
      device = "/iso/nix-store.squashfs";
      options = [ "loop" ];
      neededForBoot = true;
    };
    "/nix/.rw-store" = mkImageMediaOverride {
      fsType = "tmpfs";
      options = [ "mode=0755" ];
      neededForBoot = true;
    };
    "/nix/store" = mkImageMediaOverride {
      overlay = {
        lowerdir = [ "/nix/.ro-store" ];
        upperdir = "/nix/.rw-store/store";
        workdir = "/nix/.rw-store/work";
      };
      neededForBoot = true;
    };
  };

  config = {
    assertions = [
      {
        assertion = cfg.makeBiosBootable -> pkgs.stdenv.hostPlatform.isx86_64;
        message = "isoImage.makeBiosBootable: only x86 machines have a BIOS; set it to false.";
      }
      {
        assertion = labelLength <= 32;
        message = "isoImage.volumeID ${cfg.volumeID} is ${toString labelLength} characters. That is "
          + "${toString (labelLength - 32)} characters longer than the limit of 32.";
      }
      {
        assertion = otherLabels == [ ];
        message = "All specialisations must use the same 'isoImage.volumeID'. These differ: "
          + lib.concatStringsSep ", " otherLabels;
      }
      {
        assertion = menu.systems != [ ];
        message = ''
          isoImage.showConfiguration is false and no specialisation is shown: the boot menu would be
          empty.
        '';
      }
      {
        assertion = !cfg.includeSystemBuildDependencies;
        message = ''
          isoImage.includeSystemBuildDependencies: the system is made of Debian's packages and is
          not built from sources. Name packages that shall be on the image in
          isoImage.storeContents.
        '';
      }
    ];

    warnings = optional (cfg.makeUsbBootable && !cfg.makeBiosBootable && !cfg.makeEfiBootable)
      "isoImage.makeUsbBootable has no effect: neither makeBiosBootable nor makeEfiBootable is set."
      ++ optional (cfg.grubTheme != null && cfg.forceTextMode)
      "isoImage.grubTheme has no effect, because isoImage.forceTextMode is set.";

    # An image brings its own boot loader.
    boot.loader.grub.enable = mkImageMediaOverride false;
    boot.loader.timeout = lib.mkDefault 10;

    fileSystems = config.lib.isoFileSystems;

    boot.kernelParams = [ "boot.shell_on_fail" "root=LABEL=${cfg.volumeID}" ];
    boot.initrd.availableKernelModules = [
      "squashfs" "iso9660" "overlay" "cdrom" "sr_mod" "sd_mod"
      "usb_storage" "uas" "virtio_pci" "virtio_blk" "virtio_scsi"
    ];
    boot.initrd.kernelModules = [ "loop" "overlay" ];
    # Sticks with copied files, and disks with the image as a file on them.
    boot.initrd.supportedFilesystems = [ "vfat" "exfat" "ntfs3" "ext4" ];

    isoImage.storeContents = [ config.system.build.toplevel ];
    isoImage.contents = [
      (text "/version.txt" "${config.system.nixos.label}\n")
      # The signed GRUB looks for a medium with this file.
      (text "/.disk/info" "${config.system.nixos.distroName} ${config.system.nixos.label}\n")
      # What the first boot stage knows the medium by.
      (text "/.firn/id" (lib.concatMapStrings (toplevel: toplevel + "\n") toplevels))
      (text menu.marker "")
    ]
    ++ systemContents
    ++ grubContents
    ++ optionals cfg.makeBiosBootable biosContents
    ++ optionals cfg.makeEfiBootable efiContents
    ++ optionals config.boot.loader.grub.memtest86.enable memtestContents;

    image.extension = if cfg.compressImage then "iso.zst" else "iso";
    image.filePath = "iso/${config.image.fileName}";
    image.baseName = lib.mkDefault (lib.concatStringsSep "-" (
      [ config.system.nixos.distroId ] ++ optional (cfg.edition != "") cfg.edition
      ++ [ config.system.nixos.label pkgs.stdenv.hostPlatform.system ]
    ));

    system.build.image = config.system.build.isoImage;
    system.build.isoImage = pkgs.makeIso ({
      isoName = if cfg.compressImage then lib.removeSuffix ".zst" config.image.fileName
        else config.image.fileName;
      inherit (cfg) compressImage volumeID contents;
      squashfsCompression = if cfg.squashfsCompression == null then "none" else cfg.squashfsCompression;
      squashfsContents = cfg.storeContents;
      inherit (config.system.build) compressEarly;
      bootable = cfg.makeBiosBootable;
      bootImage = "/isolinux/isolinux.bin";
    } // optionalAttrs (cfg.makeUsbBootable && cfg.makeBiosBootable) {
      usbBootable = true;
      isohybridMbrImage = "${pkgs.isolinux}/usr/lib/ISOLINUX/isohdpfx.bin";
    } // optionalAttrs cfg.makeEfiBootable {
      efiBootable = true;
      efiBootImage = "boot/efi.img";
    });
  };
}
