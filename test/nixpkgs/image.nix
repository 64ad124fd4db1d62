# What every variant of `system.build.images` is made of in these tests; the variants bring disks and
# boot loaders themselves.
{ lib, ... }:
{
  networking.hostName = "imaged";
  # The manual, most of an evaluation, is compared with the hosts; two of the variants want theirs.
  documentation.enable = lib.mkOverride 900 false;
  services.openssh.enable = true;
  system.stateVersion = "26.05";
}
