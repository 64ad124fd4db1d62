# What every variant of `system.build.images` is made of in these tests; the variants bring disks and
# boot loaders themselves.
{
  networking.hostName = "imaged";
  services.openssh.enable = true;
  system.stateVersion = "26.05";
}
