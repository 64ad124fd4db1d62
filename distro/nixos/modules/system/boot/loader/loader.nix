# What all boot loaders share: how long the menu waits.
{ lib, ... }:

let
  inherit (lib) mkOption mkRenamedOptionModule types;
in
{
  imports = [
    (mkRenamedOptionModule [ "boot" "loader" "grub" "timeout" ] [ "boot" "loader" "timeout" ])
  ];

  options.boot.loader.timeout = mkOption {
    type = types.nullOr types.int;
    default = 5;
    description = ''
      Seconds until the first entry of the boot menu is started; null waits for a decision, 0 does
      not wait at all.
    '';
  };
}
