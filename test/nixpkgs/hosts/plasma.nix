# A desktop with Plasma, unfree graphics driver and games.
{ pkgs, ... }:
{
  nixpkgs.config.allowUnfree = true;
  boot.loader.systemd-boot.enable = true;
  fileSystems."/" = { device = "/dev/sda2"; fsType = "ext4"; };
  services = {
    displayManager.sddm.enable = true;
    desktopManager.plasma6.enable = true;
    xserver.videoDrivers = [ "nvidia" ];
    avahi.enable = true;
    samba.enable = true;
  };
  hardware = { nvidia.open = true; bluetooth.enable = true; graphics.enable32Bit = true; };
  programs = { steam.enable = true; kdeconnect.enable = true; };
  virtualisation = { libvirtd.enable = true; docker.enable = true; };
  environment.systemPackages = [ pkgs.vlc pkgs.gimp ];
  users.users.bob = { isNormalUser = true; extraGroups = [ "docker" "libvirtd" ]; };
  system.stateVersion = "26.05";
}
