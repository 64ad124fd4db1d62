# The least that can be called a host.
{
  boot.loader.grub.enable = false;
  fileSystems."/".device = "/dev/sda1";
}
