# GRUB and systemd-boot on an installed disk, as far as configurations name them.
#
# An image brings its own boot loader (see installer/cd-dvd/iso-image.nix), so on images GRUB is
# off. Host configurations are written for installed machines, though, and are combined with an
# image: their settings have to be accepted, and have to be refused where a build would need them.
{ config, lib, ... }:

let
  inherit (lib) mkOption optional types;
  cfg = config.boot.loader.grub;
  # A line for the person who builds: these settings speak of a disk that nobody installs here.
  needsInstaller = loader: ''
    ${loader} is set up when a system is installed to a disk. This build only makes files and
    images, so the settings of boot.loader have no effect on it.
  '';
in
{
  options.boot.loader.grub = {
    enable = mkOption {
      type = types.bool;
      default = !config.boot.isContainer && !config.boot.loader.systemd-boot.enable;
      defaultText = lib.literalExpression "!config.boot.isContainer";
      description = "Whether an installed system boots by GRUB.";
    };
    device = mkOption {
      type = types.str;
      default = "";
      example = "/dev/sda";
      description = "The disk GRUB is installed on; `nodev` for none.";
    };
    devices = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/dev/sda" "/dev/sdb" ];
      description = "The disks GRUB is installed on.";
    };
    efiSupport = mkOption {
      type = types.bool;
      default = false;
      description = "Whether GRUB is installed for UEFI.";
    };
    efiInstallAsRemovable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether GRUB is installed where firmware looks on removable media.";
    };
    useOSProber = mkOption {
      type = types.bool;
      default = false;
      description = "Whether other systems on the machine are put into the menu.";
    };
    configurationLimit = mkOption {
      type = types.int;
      default = 100;
      description = "How many generations the menu offers at most.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Further lines at the top of the menu's configuration.";
    };
    extraEntries = mkOption {
      type = types.lines;
      default = "";
      description = "Further entries of the menu.";
    };
    forcei686 = mkOption {
      type = types.bool;
      default = false;
      description = "Whether GRUB is for 32-bit machines; Debian's signed one is not.";
    };
    memtest86.enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the menu has an entry that tests the memory (Memtest86+).";
    };
    memtest86.params = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "console=ttyS0,115200" ];
      description = "Parameters for Memtest86+.";
    };
  };

  options.boot.loader.systemd-boot = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether an installed system boots by systemd-boot.";
    };
    configurationLimit = mkOption {
      type = types.nullOr types.int;
      default = null;
      description = "How many generations the menu offers at most.";
    };
    consoleMode = mkOption {
      type = types.enum [ "0" "1" "2" "5" "auto" "max" "keep" ];
      default = "keep";
      description = "Resolution of the menu.";
    };
    editor = mkOption {
      type = types.bool;
      default = true;
      description = "Whether parameters may be changed in the menu.";
    };
  };

  options.boot.loader.generic-extlinux-compatible.enable = mkOption {
    type = types.bool;
    default = false;
    description = "Whether an installed system boots by a menu that U-Boot reads.";
  };

  config = {
    assertions = [
      {
        assertion = !cfg.forcei686;
        message = "boot.loader.grub.forcei686: Debian has no signed GRUB for 32-bit firmware.";
      }
    ];
    # On an image they are out of place as a whole, and nobody expects them to matter.
    warnings = lib.optionals (!(config.system.build ? image)) (
      optional (cfg.enable && (cfg.device != "" || cfg.devices != [ ])) (needsInstaller "GRUB")
      ++ optional config.boot.loader.systemd-boot.enable (needsInstaller "systemd-boot")
    );
  };
}
