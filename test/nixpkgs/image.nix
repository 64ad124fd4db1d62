# What every variant of `system.build.images` is made of in these tests; the variants bring disks and
# boot loaders themselves.
{
  networking.hostName = "imaged";
  # The manual, most of an evaluation, is compared with the hosts.
  documentation.enable = false;
  services.openssh.enable = true;
  system.stateVersion = "26.05";
}
