# A small installation medium, without anything graphical.
{ lib, ... }:

{
  imports = [
    ../../profiles/minimal.nix
    ./installation-cd-base.nix
  ];

  # The manual pages of the programs that are there.
  documentation.man.enable = lib.mkOverride 500 true;

  isoImage.edition = lib.mkOverride 500 "minimal";
}
