# Swap: partitions, files made on demand, and swap encrypted with a key that is forgotten.
{ config, lib, pkgs, utils, ... }:

let
  inherit (lib)
    concatStringsSep filter hasPrefix mkIf mkOption optional optionalString optionals types
    ;

  encryption.options = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the device is encrypted with a random key at each boot. What was in swap is then
        gone after a restart, so a machine with this cannot be hibernated. Name the device by
        /dev/disk/by-partuuid: labels and UUIDs inside it are overwritten.
      '';
    };
    cipher = mkOption {
      type = types.str;
      default = "aes-xts-plain64";
      example = "serpent-xts-plain64";
      description = "The cipher; `cryptsetup benchmark` shows how fast each is.";
    };
    keySize = mkOption {
      type = types.nullOr types.int;
      default = null;
      example = 512;
      description = "Size of the key in bits; null for the cipher's usual one.";
    };
    sectorSize = mkOption {
      type = types.nullOr types.int;
      default = null;
      example = 4096;
      description = "Sector size of the encrypted device in bytes; null for the usual one.";
    };
    source = mkOption {
      type = types.str;
      default = "/dev/urandom";
      example = "/dev/random";
      description = "Where the key is read from.";
    };
    allowDiscards = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the device learns which sectors are unused, which others can then see too.";
    };
  };

  swapDevice = { config, options, ... }: {
    options = {
      device = mkOption {
        type = types.nonEmptyStr;
        example = "/dev/sda3";
        description = "Path of the device or swap file.";
      };
      isDevice = mkOption {
        type = types.bool;
        default = hasPrefix "/dev/" config.device;
        internal = true;
        description = "Whether this is a device and not a file.";
      };
      label = mkOption {
        type = types.str;
        example = "swap";
        description = "Label of the device, in place of {option}`device`.";
      };
      size = mkOption {
        type = types.nullOr types.int;
        default = null;
        example = 2048;
        description = "If set, {option}`device` is a file that is made with that many MiB.";
      };
      priority = mkOption {
        type = types.nullOr types.int;
        default = null;
        example = 2048;
        description = "Priority between 0 and 32767, the highest used first; null leaves it to the kernel.";
      };
      randomEncryption = mkOption {
        type = types.coercedTo types.bool (enable: { inherit enable; }) (types.submodule encryption);
        default = false;
        example = { enable = true; cipher = "serpent-xts-plain64"; };
        description = "Encryption with a key that is made at each boot and kept nowhere.";
      };
      discardPolicy = mkOption {
        type = types.nullOr (types.enum [ "once" "pages" "both" ]);
        default = null;
        example = "once";
        description = "Whether freed swap is discarded: at once when it is switched on, page by page, or both.";
      };
      options = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ "defaults" ];
        example = [ "nofail" ];
        description = "Options for /etc/fstab.";
      };
      deviceName = mkOption {
        type = types.str;
        internal = true;
        description = "Name of the encrypted device.";
      };
      realDevice = mkOption {
        type = types.path;
        internal = true;
        description = "The device that is swapped to.";
      };
    };

    config = {
      device = mkIf options.label.isDefined "/dev/disk/by-label/${config.label}";
      deviceName = lib.replaceStrings [ "\\" ] [ "" ] (utils.escapeSystemdPath config.device);
      realDevice =
        if config.randomEncryption.enable then "/dev/mapper/${config.deviceName}" else config.device;
    };
  };

  makeFile = swap: ''
    wanted=$(( ${toString swap.size} * 1024 * 1024 ))
    if ! [ -b "$DEVICE" ] && [ "$(stat -c %s "$DEVICE" 2>/dev/null)" != "$wanted" ]; then
      mkdir -p "$(dirname "$DEVICE")"
      if [ "$(stat -f -c %T "$(dirname "$DEVICE")")" = btrfs ]; then
        rm -f "$DEVICE"
        btrfs filesystem mkswapfile --size ${toString swap.size}M --uuid clear "$DEVICE"
      else
        rm -f "$DEVICE"
        dd if=/dev/zero of="$DEVICE" bs=1M count=${toString swap.size} status=none
        ${optionalString (!swap.randomEncryption.enable) ''mkswap "$DEVICE"''}
      fi
    fi
  '';

  encrypt = swap:
    let e = swap.randomEncryption; in ''
      cryptsetup open --type plain ${concatStringsSep " " (
        [ "--cipher ${e.cipher}" "--key-file ${e.source}" ]
        ++ optional (e.keySize != null) "--key-size ${toString e.keySize}"
        ++ optional (e.sectorSize != null) "--sector-size ${toString e.sectorSize}"
        ++ optional e.allowDiscards "--allow-discards"
      )} "$DEVICE" ${swap.deviceName}
      mkswap ${swap.realDevice}
      udevadm trigger ${swap.realDevice}
    '';

  makeSwap = swap:
    let unit = "${utils.escapeSystemdPath swap.realDevice}.swap"; in
    lib.nameValuePair "mkswap-${swap.deviceName}" {
      description = "Initialisation of swap device ${swap.device}";
      # A file needs the loop driver, which may be among the modules loaded there.
      after = [ "systemd-modules-load.service" ];
      wantedBy = [ unit ];
      requiredBy = optionals swap.randomEncryption.enable [ unit ];
      before = [ unit "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      environment.DEVICE = swap.device;
      script = optionalString (swap.size != null) (makeFile swap)
        + optionalString swap.randomEncryption.enable (encrypt swap);
      unitConfig = {
        RequiresMountsFor = [ (dirOf swap.device) ];
        # With the usual dependencies this would wait for itself.
        DefaultDependencies = false;
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = swap.randomEncryption.enable;
        UMask = "0177";
      } // lib.optionalAttrs swap.randomEncryption.enable {
        ExecStop = "/usr/sbin/cryptsetup close ${swap.deviceName}";
      };
      restartIfChanged = false;
    };

  made = filter (swap: swap.size != null || swap.randomEncryption.enable) config.swapDevices;
in
{
  options.swapDevices = mkOption {
    type = types.listOf (types.submodule swapDevice);
    default = [ ];
    example = [ { device = "/dev/sda7"; } { device = "/var/swapfile"; size = 2048; } ];
    description = ''
      Swap devices and swap files. A device has to be prepared with {command}`mkswap`; a file whose
      {option}`size` is given is made.
    '';
  };

  config = mkIf (config.swapDevices != [ ]) {
    assertions = map (swap: {
      assertion = swap.randomEncryption.enable
        -> builtins.match "/dev/disk/by-(uuid|label)/.*" swap.device == null;
      message = ''
        Swap device "${swap.device}" with randomEncryption: its UUID and label are overwritten at
        each boot. Name it by /dev/disk/by-partuuid.
      '';
    }) config.swapDevices;

    warnings = lib.concatMap (swap: optional (swap.size != null && swap.isDevice)
      "Setting the swap size of block device ${swap.device} has no effect") config.swapDevices;

    environment.systemPackages =
      optionals (lib.any (swap: swap.randomEncryption.enable) made) [ pkgs.cryptsetup-bin ];

    systemd.services = lib.listToAttrs (map makeSwap made);
  };
}
