# Microcode for processors of the vendor GenuineIntel: the kernel reads it from an uncompressed
# archive at the head of the initrd, as one file of all updates joined.
{ config, lib, pkgs, ... }:

let
  microcode = pkgs.makeInitrd {
    name = "microcode-intel";
    compression = "none";
    contents = [
      {
        path = "kernel/x86/microcode/GenuineIntel.bin";
        source = pkgs.concatFiles {
          name = "GenuineIntel.bin";
          files = [ "${pkgs.intel-microcode}/usr/lib/firmware/intel-ucode" ];
          suffix = "";
          exclude = [ "**/*.initramfs" "**/README*" ];
        };
      }
    ];
  };
in

{
  options.hardware.cpu.intel.updateMicrocode = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = "Whether the processor's microcode is updated at start.";
  };
  config = lib.mkIf config.hardware.cpu.intel.updateMicrocode {
    boot.initrd.prepend = [ "${microcode}/initrd" ];
  };
}
