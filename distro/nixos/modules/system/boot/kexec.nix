# The program that starts another kernel from the running system, without the firmware.
#
# What is loaded by `kexec --load` is started by `systemctl kexec`, after an orderly shutdown: the
# last step of it, initrd-shutdown.sh, calls this program from the system's tree.
{ config, lib, pkgs, ... }:

{
  options.boot.kexec.enable = lib.mkEnableOption "kexec" // {
    default = true;
    description = "Whether {command}`kexec` is there, to start another kernel from this one.";
  };

  config = lib.mkIf config.boot.kexec.enable {
    environment.systemPackages = [ pkgs.kexec-tools ];
  };
}
