# A machine that is never changed in place: its image is replaced as a whole.
{ lib, ... }:

{
  imports = [ ./minimal.nix ];

  nix.enable = false;
  system.switch.enable = false;
  users.mutableUsers = false;
  networking.useNetworkd = lib.mkDefault true;
}
