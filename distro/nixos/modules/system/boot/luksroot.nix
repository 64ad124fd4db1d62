# Encrypted devices that the first stage of booting opens, by a passphrase or a key file; and
# volume groups, which may lie inside or around them.
#
# There is no udev in the initial RAM disk. What is opened there is marked, and a rule for the
# running system's udev says of marked devices that they are complete: otherwise it would hide
# them, as it does with devices that are still being made.
{ config, lib, pkgs, ... }:

let
  inherit (lib) concatMapStrings escapeShellArg mkIf mkOption optional optionalString types;
  cfg = config.boot.initrd.luks;
  devices = lib.attrValues cfg.devices;
  lvm = config.boot.initrd.services.lvm.enable;

  bool = default: description: mkOption { type = types.bool; inherit default description; };
  commands = when: mkOption {
    type = types.lines;
    default = "";
    description = "Shell commands of the first stage, run ${when}.";
  };
  number = description: mkOption {
    type = types.nullOr types.ints.unsigned;
    default = null;
    inherit description;
  };

  device = { name, ... }: {
    options = {
      name = mkOption {
        type = types.str;
        default = name;
        description = "Name of the opened device below {file}`/dev/mapper`.";
      };
      device = mkOption {
        type = types.str;
        example = "/dev/disk/by-uuid/430e9eff-d852-4f68-aa3b-2fa3599ebe08";
        description = "Path of the encrypted device.";
      };
      header = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "/root/header.img";
        description = "File or device with the header, if it is not on the device itself.";
      };
      keyFile = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "/dev/disk/by-partlabel/key";
        description = ''
          File in the initial RAM disk (see {option}`boot.initrd.extraFiles`; whoever can read the
          boot partition can read it too), or device, whose content opens the device. Without one a
          passphrase is asked for.
        '';
      };
      keyFileSize = number "How many bytes of the key file count; null for all.";
      keyFileOffset = number "How many bytes of the key file are skipped.";
      keyFileTimeout = number "How many seconds are waited for the key file; null for the usual 30.";
      fallbackToPassword = bool false "Whether a passphrase is asked for if the key file fails.";
      tryEmptyPassphrase = bool false "Whether the empty passphrase is tried before asking.";
      preLVM = bool true "Whether the device is opened before volume groups are looked for.";
      allowDiscards = bool false ''
        Whether discards (TRIM) are passed on to the device. They tell which of its sectors are in
        use to whoever can read it.
      '';
      bypassWorkqueues = bool false "Whether dm-crypt works without its queues: faster on some SSDs.";
      crypttabExtraOpts = mkOption {
        type = types.listOf types.singleLineStr;
        default = [ ];
        description = "Options for an initial RAM disk with systemd. This one has none: leave it empty.";
      };
      preOpenCommands = commands "before the device is opened";
      postOpenCommands = commands "once the device is open";
    };
  };

  assign = name: value: "${name}=${escapeShellArg (toString value)}\n";
  flag = value: if value then "1" else "";
  unlessNull = text: value: optionalString (value != null) "${text} ${toString value} ";

  openOne = dev: ''
    ${dev.preOpenCommands}
  ''
  + assign "luksName" dev.name
  + assign "luksDevice" dev.device
  + assign "luksHeader" (if dev.header == null then "" else dev.header)
  + assign "luksOptions" (
    optionalString dev.allowDiscards "--allow-discards "
    + optionalString dev.bypassWorkqueues "--perf-no_read_workqueue --perf-no_write_workqueue"
  )
  + assign "luksKeyFile" (if dev.keyFile == null then "" else dev.keyFile)
  + assign "luksKeyFileOptions" (
    unlessNull "--keyfile-size" dev.keyFileSize + unlessNull "--keyfile-offset" dev.keyFileOffset
  )
  + assign "luksKeyFileTimeout" dev.keyFileTimeout
  + assign "luksFallback" (flag dev.fallbackToPassword)
  + assign "luksTryEmpty" (flag dev.tryEmptyPassphrase)
  + ''
    luksOpen
    ${dev.postOpenCommands}
  '';

  openAll = preLVM: concatMapStrings openOne (lib.filter (dev: dev.preLVM == preLVM) devices);

  # Names that only udev gives, or that nobody gives: the device would be waited for in vain.
  findable = path: path == null || builtins.match "/dev/disk/by-(id|path)/.*" path == null;

  support = cfg.forceLuksSupportInInitrd || devices != [ ];
in

{
  options.boot.initrd.luks = {
    devices = mkOption {
      type = types.attrsOf (types.submodule device);
      default = { };
      example = { root.device = "/dev/disk/by-uuid/430e9eff-d852-4f68-aa3b-2fa3599ebe08"; };
      description = ''
        Encrypted (LUKS) devices that the first stage of booting opens, by the names that they
        get below {file}`/dev/mapper`. Those that are not needed for booting can be opened later, by
        {file}`/etc/crypttab` ({option}`environment.etc.crypttab`).
      '';
    };
    forceLuksSupportInInitrd = bool false "Whether the initial RAM disk can open encrypted devices even if none is declared.";
    reusePassphrases = bool true "Whether a passphrase that was typed is tried on the next device too.";
    mitigateDMAAttacks = bool true ''
      Whether modules through which devices could read keys in memory (FireWire) are left out.
    '';
    cryptoModules = mkOption {
      type = types.listOf types.str;
      default = [
        "aes" "aes_generic" "aesni_intel" "blowfish" "twofish" "serpent" "cbc" "xts" "lrw"
        "sha1" "sha256" "sha512" "af_alg" "algif_skcipher" "algif_hash" "ecb"
      ];
      description = "Kernel modules of ciphers that encrypted devices may be made with.";
    };
  };

  options.boot.initrd.services.lvm.enable = mkOption {
    type = types.bool;
    default = config.services.lvm.enable;
    defaultText = lib.literalExpression "config.services.lvm.enable";
    description = "Whether the first stage of booting activates logical volumes.";
  };

  options.fileSystems = mkOption {
    type = types.attrsOf (types.submodule {
      options.encrypted = {
        enable = bool false "Whether the file system lies in an encrypted (LUKS) device.";
        blkDev = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "/dev/sda1";
          description = "The encrypted device.";
        };
        label = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "rootfs";
          description = "Name of the opened device below {file}`/dev/mapper`.";
        };
        keyFile = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "File or device with the key, as {option}`boot.initrd.luks.devices.<name>.keyFile`.";
        };
      };
    });
  };

  config = lib.mkMerge [
    {
      boot.initrd.luks.devices =
        let
          encrypted = lib.filter (fs: fs.encrypted.enable && fs.encrypted.blkDev != null && fs.encrypted.label != null)
            (lib.attrValues config.fileSystems);
        in
        lib.listToAttrs (map (fs: lib.nameValuePair fs.encrypted.label {
          device = fs.encrypted.blkDev;
          inherit (fs.encrypted) keyFile;
        }) encrypted);

      assertions = lib.concatLists (lib.mapAttrsToList (path: fs: [{
        assertion = !fs.encrypted.enable || (fs.encrypted.blkDev != null && fs.encrypted.label != null);
        message = "fileSystems.\"${path}\".encrypted needs blkDev and label.";
      }]) config.fileSystems)
      ++ lib.concatMap (dev: [
        {
          assertion = dev.crypttabExtraOpts == [ ];
          message = ''
            boot.initrd.luks.devices.${dev.name}.crypttabExtraOpts: these options are for an initial
            RAM disk with systemd, which this system has not.
          '';
        }
        {
          assertion = lib.all findable [ dev.device dev.keyFile dev.header ];
          message = ''
            boot.initrd.luks.devices.${dev.name}: the first stage of booting does not know names below
            /dev/disk/by-id and by-path. Take /dev/disk/by-uuid, by-partuuid, by-label or by-partlabel.
          '';
        }
      ]) devices;
    }

    (mkIf (support || lvm) {
      boot.initrd = {
        availableKernelModules = [ "dm_mod" ] ++ lib.optionals support ([ "dm_crypt" "cryptd" ] ++ cfg.cryptoModules);
        kernelModules = [ "dm_mod" ] ++ optional support "dm_crypt";
        programs = optional support "cryptsetup" ++ optional lvm "lvm";
        openDevicesCommands = lib.mkMerge [
          (mkIf support (builtins.readFile ./stage-1-luks.sh + assign "luksReuse" (flag cfg.reusePassphrases)))
          (openAll true)
          (mkIf lvm ''
            # Called again while a device is waited for: a disk may turn up late.
            activateVolumes() {
                lvm vgchange --activate ay --noudevsync --sysinit --ignorelockingfailure
            }
            say "activating volume groups"
            activateVolumes
          '')
          (openAll false)
        ];
        finishDevicesCommands = builtins.readFile ./stage-1-mapped-devices.sh;
      };
      boot.blacklistedKernelModules = lib.optionals (devices != [ ] && cfg.mitigateDMAAttacks) [
        "firewire_ohci" "firewire_core" "firewire_sbp2"
      ];
      environment.systemPackages = [ pkgs.dmsetup ] ++ optional support pkgs.cryptsetup-bin;
      environment.etc."udev/rules.d/54-first-stage.rules".text = ''
        # Devices that the first stage of booting has opened, complete before udev was there.
        SUBSYSTEM=="block", KERNEL=="dm-*", ACTION!="remove", ENV{DM_COOKIE}!="?*", \
          TEST=="/run/first-stage-devices/%k:$attr{dm/name}", ENV{DM_UDEV_PRIMARY_SOURCE_FLAG}="1"
      '';
    })

    # Devices that systemd opens later: its generator reads /etc/crypttab.
    (mkIf (!config.boot.isContainer) {
      environment.systemPackages = [ pkgs.systemd-cryptsetup ];
    })
  ];
}
