# Microcode for processors of the vendor AuthenticAMD: the kernel reads it from an uncompressed
# archive at the head of the initrd, as one file of all updates joined.
{ config, lib, pkgs, ... }:

let
  microcode = pkgs.makeInitrd {
    name = "microcode-amd";
    compression = "none";
    contents = [
      {
        path = "kernel/x86/microcode/AuthenticAMD.bin";
        source = pkgs.concatFiles {
          name = "AuthenticAMD.bin";
          files = [ "${pkgs.amd64-microcode}/usr/lib/firmware/amd-ucode" ];
          suffix = ".bin";
          exclude = [ "**/*.initramfs" "**/README*" ];
        };
      }
    ];
  };
in

{
  options.hardware.cpu.amd.updateMicrocode = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = "Whether the processor's microcode is updated at start.";
  };
  config = lib.mkIf config.hardware.cpu.amd.updateMicrocode {
    boot.initrd.prepend = [ "${microcode}/initrd" ];
  };
}
