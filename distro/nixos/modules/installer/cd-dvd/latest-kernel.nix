# The newest kernel there is for this release of Debian, for hardware that is newer than it.
{ pkgs, ... }:

{
  boot.kernelPackages = pkgs.linuxPackages_latest;
}
