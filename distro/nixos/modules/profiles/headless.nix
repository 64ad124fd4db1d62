# A machine with neither screen nor keyboard.
{ lib, ... }:

{
  # A login on consoles that nobody sees only wastes memory.
  systemd.services."serial-getty@ttyS0".enable = lib.mkDefault false;
  systemd.services."serial-getty@hvc0".enable = false;
  systemd.services."getty@tty1".enable = false;
  systemd.services."autovt@".enable = false;

  # Nobody could answer: restart instead of waiting in an emergency shell.
  boot.kernelParams = [ "panic=1" "boot.panic_on_fail" "nomodeset" ];
  systemd.enableEmergencyMode = false;
}
