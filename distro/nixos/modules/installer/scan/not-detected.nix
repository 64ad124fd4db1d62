# Hardware that no scan finds: firmware for devices that may be there.
{ lib, ... }:

{
  hardware.enableRedistributableFirmware = lib.mkDefault true;
}
