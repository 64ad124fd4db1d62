# What all network boot images have in common: hardware of every kind, and the installer's tools.
{
  imports = [
    ./netboot.nix
    ../../profiles/base.nix
    ../../profiles/installation-device.nix
  ];

  hardware.enableAllHardware = true;
}
