# The file systems of the machine: /etc/fstab, what the first stage of booting mounts, and the
# kernel's own file systems.
#
# Everything that uses the list gets it sorted: a file system comes after those it stands on.
{ config, lib, pkgs, utils, ... }:

let
  inherit (lib)
    attrValues concatMapStrings concatMapStringsSep concatStringsSep elem filter literalExpression
    mkDefault mkEnableOption mkIf mkMerge mkOption optional optionalAttrs optionalString toposort
    types
    ;

  # fstab separates by blanks.
  escape = builtins.replaceStrings [ " " "\t" ] [ "\\040" "\\011" ];

  described = what: type: check: types.addCheck type check // {
    description = "${type.description} (with check: ${what})";
  };
  isNonEmpty = text: builtins.match "[ \t\n]*" text == null;
  nonEmptyStr = described "non-empty" types.str isNonEmpty;
  mountPath = described "non-empty without trailing slash" types.str
    (text: isNonEmpty text && builtins.match ".+/" text == null);

  sorted = toposort utils.fsBefore (attrValues config.fileSystems);
  # In a circle the unsorted list lets other assertions speak too; ours below names the circle.
  fileSystems = sorted.result or (attrValues config.fileSystems);

  typesNamingThemselves = [ "proc" "sysfs" "tmpfs" "ramfs" "devtmpfs" "devpts" ];

  core = { name, config, ... }: {
    options = {
      enable = mkEnableOption "the filesystem mount" // { default = true; };

      mountPoint = mkOption {
        type = mountPath;
        default = name;
        example = "/mnt/usb";
        description = "Where the file system is mounted.";
      };

      device = mkOption {
        type = types.nullOr nonEmptyStr;
        default = null;
        example = "/dev/sda";
        description = ''
          What is mounted: a device such as `/dev/sdc3`, a tag such as `UUID=…`, for a bind mount
          the folder, or what else the type of the file system asks for.
        '';
      };

      fsType = mkOption {
        type = nonEmptyStr;
        example = "ext4";
        description = "Type of the file system, as {manpage}`mount(8)` takes it.";
      };

      options = mkOption {
        type = types.nonEmptyListOf nonEmptyStr;
        default = [ "defaults" ];
        example = [ "data=journal" ];
        description = "Options of the mount, as {manpage}`mount(8)` and {manpage}`systemd.mount(5)` take them.";
      };

      depends = mkOption {
        type = types.listOf mountPath;
        default = [ ];
        example = [ "/persist" ];
        description = ''
          Paths whose file systems are mounted before this one, besides those that its device and
          mount point stand on.
        '';
      };
    };

    config.device = mkIf (elem config.fsType typesNamingThemselves) (mkDefault config.fsType);
  };

  full = { config, ... }: {
    options = {
      label = mkOption {
        type = types.nullOr nonEmptyStr;
        default = null;
        example = "root-partition";
        description = "Label of the file system, in place of {option}`device`.";
      };

      autoFormat = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the device is formatted at boot if it holds no file system yet.";
      };

      formatOptions = mkOption {
        type = types.unspecified;
        default = null;
        visible = false;
        description = "Has to stay null: systemd-makefs takes no options.";
      };

      autoResize = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the file system is grown to the size of its device.";
      };

      noCheck = mkOption {
        type = types.bool;
        default = false;
        description = "Whether no check is run before mounting.";
      };
    };

    config = {
      device = mkIf (config.label != null) (mkDefault "/dev/disk/by-label/${escape config.label}");
      options = mkMerge [
        (mkIf config.autoResize [ "x-systemd.growfs" ])
        (mkIf config.autoFormat [ "x-systemd.makefs" ])
        (mkIf (utils.fsNeededForBoot config) [ "x-initrd.mount" ])
        (mkIf (config.depends != [ ] && !utils.fsNeededForBoot config)
          (map (path: "x-systemd.requires-mounts-for=${path}") config.depends))
      ];
    };
  };

  typesWithoutCheck = [
    "none" "auto" "overlay" "iso9660" "bindfs" "udf" "btrfs" "zfs" "tmpfs" "bcachefs" "nfs" "nfs4"
    "nilfs2" "vboxsf" "squashfs" "glusterfs" "apfs" "9p" "cifs" "prl_fs" "vmhgfs" "erofs" "virtiofs"
  ];
  journaling = [ "ext3" "ext4" "xfs" "jfs" "f2fs" ];
  unchecked = fs:
    fs.noCheck || fs.device == "none" || elem fs.fsType typesWithoutCheck || elem "bind" fs.options
    || (!config.boot.initrd.checkJournalingFS && elem fs.fsType journaling);

  # The medium has no name that systemd could wait for: the first stage finds and mounts it, and
  # says so to systemd by a unit of its own.
  foundByFirstStage = fs: fs.device == "/dev/root" && fs.fsType == "iso9660";

  fstabLine = fs: concatStringsSep " " [
    (if fs.device == null then throw "No device specified for mount point '${fs.mountPoint}'."
     else escape fs.device)
    (escape fs.mountPoint)
    fs.fsType
    (escape (concatStringsSep "," fs.options))
    "0"
    (if unchecked fs then "0" else if fs.mountPoint == "/" then "1" else "2")
  ] + "\n";

  swapLine = swap: "${swap.realDevice} none swap ${concatStringsSep "," (
    swap.options
    ++ optional (swap.priority != null) "pri=${toString swap.priority}"
    ++ optional (swap.discardPolicy != null)
      "discard${optionalString (swap.discardPolicy != "both") "=${swap.discardPolicy}"}"
  )}\n";

  specialMountsText = concatMapStrings (fs: ''
    ${fs.device}
    ${fs.mountPoint}
    ${concatStringsSep "," fs.options}
    ${fs.fsType}

  '') (toposort utils.fsBefore (attrValues config.boot.specialFileSystems)).result;

  size = what: default: mkOption {
    type = types.str;
    inherit default;
    example = "256m";
    description = "Greatest size of {file}`${what}`, as {manpage}`tmpfs(5)` takes it.";
  };

  growable = [ "ext3" "ext4" "btrfs" "xfs" ];
  notGrowable = filter (fs: fs.autoResize && !elem fs.fsType growable) fileSystems;
in
{
  options = {
    fileSystems = mkOption {
      type = types.attrsOf (types.submodule [ core full ]);
      default = { };
      example = literalExpression ''
        {
          "/" = { device = "/dev/sda1"; fsType = "ext4"; };
          "/data" = { label = "data"; fsType = "ext4"; options = [ "noatime" ]; };
        }
      '';
      apply = lib.filterAttrs (_: fs: fs.enable);
      description = ''
        The file systems to be mounted, by their mount points. There has to be one for `/`.
      '';
    };

    system.fsPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      internal = true;
      description = "Packages with programs that mount and check file systems.";
    };

    boot.supportedFilesystems = mkOption {
      type = types.coercedTo (types.listOf types.str) (names: lib.genAttrs names (_: true))
        (types.attrsOf types.bool);
      default = { };
      example = literalExpression "{ btrfs = true; zfs = lib.mkForce false; }";
      description = ''
        Types of file systems that the system can use: a list of names, or a set of switches.
      '';
    };

    boot.specialFileSystems = mkOption {
      type = types.attrsOf (types.submodule core);
      default = { };
      internal = true;
      apply = lib.filterAttrs (_: fs: fs.enable);
      description = "File systems of the kernel that are mounted before anything else.";
    };

    boot.devSize = size "/dev" "5%";
    boot.devShmSize = size "/dev/shm" "50%";
    boot.runSize = size "/run" "25%";
  };

  config = {
    assertions = [
      {
        assertion = !(sorted ? cycle);
        message =
          let points = sep: concatMapStringsSep sep (fs: fs.mountPoint); in
          "The 'fileSystems' option can't be topologically sorted: mountpoint dependency path "
          + "${points " -> " sorted.cycle} loops to ${points ", " sorted.loops}";
      }
      {
        assertion = notGrowable == [ ];
        message = concatMapStringsSep "\n" (fs:
          "Mountpoint '${fs.mountPoint}': 'autoResize = true' is not supported for 'fsType = "
          + "\"${fs.fsType}\"'; it is for ${concatStringsSep ", " growable}.") notGrowable;
      }
      {
        assertion = lib.all (fs: fs.formatOptions == null) fileSystems;
        message = "'fileSystems.<name>.formatOptions' has been removed: systemd-makefs takes no options.";
      }
    ] ++ map (fs: {
      assertion = fs.label == null || fs.device == "/dev/disk/by-label/${escape fs.label}";
      message = ''
        The file system for ${fs.mountPoint} has both a label (${toString fs.label}) and another
        device (${toString fs.device}). Set only one of them.
      '';
    }) fileSystems;

    system.build = {
      inherit fileSystems specialMountsText;
      specialMounts = pkgs.writeText "special-mounts" specialMountsText;
    };

    boot.supportedFilesystems = map (fs: fs.fsType) fileSystems;
    environment.systemPackages = config.system.fsPackages;

    environment.etc.fstab.text = ''
      # Made from the options fileSystems and swapDevices: change those, not this file.

      ${concatMapStrings fstabLine (filter (fs: !foundByFirstStage fs) fileSystems)}
      ${concatMapStrings swapLine config.swapDevices}
    '';

    systemd.targets.fs = {
      description = "All File Systems";
      wants = [ "local-fs.target" "remote-fs.target" ];
    };

    boot.specialFileSystems = {
      "/run/keys" = { fsType = "ramfs"; options = [ "nosuid" "nodev" "mode=750" ]; };
    } // optionalAttrs (!config.boot.isContainer) {
      "/sys" = { fsType = "sysfs"; options = [ "nosuid" "noexec" "nodev" ]; };
      "/proc" = { fsType = "proc"; options = [ "nosuid" "noexec" "nodev" ]; };
      "/run" = {
        fsType = "tmpfs";
        options = [ "nosuid" "nodev" "strictatime" "mode=755" "size=${config.boot.runSize}" ];
      };
      "/dev" = {
        fsType = "devtmpfs";
        options = [ "nosuid" "strictatime" "mode=755" "size=${config.boot.devSize}" ];
      };
      "/dev/shm" = {
        fsType = "tmpfs";
        options = [ "nosuid" "nodev" "strictatime" "mode=1777" "size=${config.boot.devShmSize}" ];
      };
      "/dev/pts" = {
        fsType = "devpts";
        options = [ "nosuid" "noexec" "mode=620" "ptmxmode=0666" "gid=${toString config.ids.gids.tty}" ];
      };
    };
  };
}
