# What all boot loaders share: how long the menu waits, and which files they start.
{ config, lib, ... }:

let
  inherit (lib) mkOption mkRenamedOptionModule types;
in
{
  imports = [
    (mkRenamedOptionModule [ "boot" "loader" "grub" "timeout" ] [ "boot" "loader" "timeout" ])
  ];

  options = {
    boot.loader.timeout = mkOption {
      type = types.nullOr types.int;
      default = 5;
      description = ''
        Seconds until the first entry of the boot menu is started; null waits for a decision, 0
        does not wait at all.
      '';
    };

    system.boot.loader.id = mkOption {
      type = types.str;
      default = "";
      internal = true;
      description = "Name of the boot loader in use.";
    };

    system.boot.loader.kernelFile = mkOption {
      type = types.str;
      default = "bzImage";
      internal = true;
      description = "Name of the kernel's file in its package.";
    };

    system.boot.loader.initrdFile = mkOption {
      type = types.str;
      default = "initrd";
      internal = true;
      description = "Name of the file of the initial RAM disk in its package.";
    };
  };
}
