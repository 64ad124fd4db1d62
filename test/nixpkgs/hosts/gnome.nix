# A laptop with GNOME, encrypted disk, printing and containers.
{ pkgs, ... }:
{
  boot = {
    loader.systemd-boot.enable = true;
    loader.efi.canTouchEfiVariables = true;
    initrd.luks.devices.root.device = "/dev/nvme0n1p2";
    kernelPackages = pkgs.linuxPackages_latest;
    kernelParams = [ "quiet" ];
  };
  fileSystems."/" = { device = "/dev/mapper/root"; fsType = "btrfs"; options = [ "compress=zstd" ]; };
  fileSystems."/boot" = { device = "/dev/nvme0n1p1"; fsType = "vfat"; };
  networking = { hostName = "lap"; networkmanager.enable = true; };
  time.timeZone = "Europe/Berlin";
  i18n.defaultLocale = "de_DE.UTF-8";
  console.keyMap = "de";
  services = {
    xserver.enable = true;
    displayManager.gdm.enable = true;
    desktopManager.gnome.enable = true;
    printing.enable = true;
    pipewire = { enable = true; alsa.enable = true; pulse.enable = true; };
    flatpak.enable = true;
  };
  virtualisation.podman.enable = true;
  programs = { firefox.enable = true; zsh.enable = true; };
  environment.systemPackages = with pkgs; [ git htop thunderbird libreoffice ];
  fonts.packages = [ pkgs.noto-fonts ];
  users.users.ada = { isNormalUser = true; shell = pkgs.zsh; };
  system.stateVersion = "26.05";
}
