# Swap in compressed memory, by systemd's zram generator.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.zramSwap;

  # The generator's own arithmetic: the least of a share of memory and a bound in megabytes.
  size = if cfg.memoryMax == null then "ram * ${toString cfg.memoryPercent} / 100"
    else "min(ram * ${toString cfg.memoryPercent} / 100, ${toString (cfg.memoryMax / 1048576)})";
  section = index: ''
    [zram${toString index}]
    compression-algorithm = ${cfg.algorithm}
    swap-priority = ${toString cfg.priority}
    zram-size = ${if cfg.swapDevices > 1 then "(${size}) / ${toString cfg.swapDevices}" else size}
    ${lib.optionalString (cfg.writebackDevice != null) "writeback-device = ${cfg.writebackDevice}"}
  '';
in

{
  options.zramSwap = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether compressed memory serves as swap space.";
    };
    swapDevices = mkOption {
      type = types.ints.positive;
      default = 1;
      description = "How many devices are made.";
    };
    memoryPercent = mkOption {
      type = types.int;
      default = 50;
      description = "Size of the swap space before compression, in percent of the memory.";
    };
    memoryMax = mkOption {
      type = types.nullOr types.int;
      default = null;
      description = "Upper bound of the size in bytes.";
    };
    priority = mkOption {
      type = types.int;
      default = 5;
      description = "Priority among swap devices; above disks by default.";
    };
    algorithm = mkOption {
      type = types.either (types.enum [ "842" "lzo" "lzo-rle" "lz4" "lz4hc" "zstd" ]) types.str;
      default = "zstd";
      description = "Compression.";
    };
    writebackDevice = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "Device that takes pages which do not compress.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.writebackDevice == null || cfg.swapDevices <= 1;
        message = "zramSwap.writebackDevice needs zramSwap.swapDevices = 1: a device can serve one only.";
      }
    ];
    environment.systemPackages = [ pkgs.systemd-zram-generator ];
    environment.etc."systemd/zram-generator.conf".text =
      lib.concatMapStringsSep "\n" section (lib.range 0 (cfg.swapDevices - 1));
  };
}
