# Less: no documentation, no convenience.
{ lib, ... }:

let
  inherit (lib) mkDefault;
in

{
  documentation = {
    enable = mkDefault false;
    doc.enable = mkDefault false;
    info.enable = mkDefault false;
    man.enable = mkDefault false;
    nixos.enable = mkDefault false;
  };
  environment.defaultPackages = mkDefault [ ];
  environment.stub-ld.enable = mkDefault false;
  programs.command-not-found.enable = mkDefault false;
  services.logrotate.enable = mkDefault false;
  services.udisks2.enable = mkDefault false;
}
