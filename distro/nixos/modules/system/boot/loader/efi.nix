# UEFI firmware: where its partition is mounted, and whether its variables may be written.
{ lib, ... }:

{
  options.boot.loader.efi = {
    canTouchEfiVariables = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether installing a boot loader may change the firmware's list of boot entries.";
    };

    efiSysMountPoint = lib.mkOption {
      type = lib.types.str;
      default = "/boot";
      description = "Where the EFI system partition is mounted.";
    };
  };
}
