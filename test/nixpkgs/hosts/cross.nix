# A host for aarch64 that is compiled on x86_64.
{
  nixpkgs.buildPlatform = "x86_64-linux";
  nixpkgs.hostPlatform = "aarch64-linux";
  boot.loader.grub.enable = false;
  boot.loader.generic-extlinux-compatible.enable = true;
  fileSystems."/" = { device = "/dev/mmcblk0p1"; fsType = "ext4"; };
  services.openssh.enable = true;
  system.stateVersion = "26.05";
}
