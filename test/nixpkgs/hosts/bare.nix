# The least that can be called a host.
{
  boot.loader.grub.enable = false;
  fileSystems."/" = { device = "/dev/sda1"; fsType = "ext4"; };
}
