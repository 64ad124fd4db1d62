# The initial RAM disk: what the kernel starts first, to find and mount the file systems that the
# system lives on.
#
# It is one static busybox, the script stage-1-init.sh, the kernel modules asked for with all they
# depend on, and a few files below /etc/stage-1 that tell the script what this system needs. Nothing
# in it comes from the running system, and nothing in it names the system: which one is started is
# said by the kernel parameter init=, so that an initrd does not change when only the system does.
{ config, options, lib, pkgs, utils, ... }:

let
  inherit (lib)
    concatMapStrings concatStringsSep escapeShellArg filter hasPrefix literalExpression literalMD
    mkIf mkOption optional optionals optionalString types
    ;
  cfg = config.boot.initrd;

  fileSystems = filter utils.fsNeededForBoot config.system.build.fileSystems;

  modulesClosure = pkgs.makeModulesClosure {
    rootModules = lib.unique (cfg.availableKernelModules ++ cfg.kernelModules);
    kernel = config.system.modulesTree.source;
    index = config.system.modulesTree.index;
    version = config.boot.kernelPackages.kernel.modDirVersion;
    firmware = [ config.hardware.firmware ];
    allowMissing = cfg.allowMissingModules;
  };

  # Options that tell systemd or mount(8) something and would make the kernel refuse the mount.
  forTheKernel = option: !(
    hasPrefix "x-" option || hasPrefix "comment=" option
    || lib.elem option [ "defaults" "nofail" "noauto" "auto" "_netdev" "user" "users" "owner" "group" ]
  );

  # Below the root of the system to be, for folders that an overlay names.
  belowRoot = option:
    let
      match = builtins.match "(lowerdir|upperdir|workdir)=(.*)" option;
      prefixed = paths: concatStringsSep ":" (map (path: "/mnt-root" + path) (lib.splitString ":" paths));
    in
    if match == null then option else "${lib.head match}=${prefixed (lib.last match)}";

  mountOptions = fs:
    let
      kept = filter forTheKernel fs.options;
      all = if fs.fsType == "overlay" then map belowRoot kept else kept;
    in
    if all == [ ] then "rw" else concatStringsSep "," all;

  flags = fs: concatStringsSep " " (
    optional (!fs.noCheck) "check" ++ optional fs.autoResize "resize" ++ optional fs.autoFormat "format"
  );

  fileSystemTable = concatMapStrings (fs: ''
    ${fs.mountPoint}
    ${if fs.device == null then "none" else fs.device}
    ${fs.fsType}
    ${mountOptions fs}
    ${flags fs}

  '') fileSystems;

  hooks = lib.filterAttrs (_: commands: lib.trim commands != "") {
    inherit (cfg)
      preLVMCommands preDeviceCommands postDeviceCommands postResumeCommands postMountCommands
      preFailCommands openDevicesCommands finishDevicesCommands
      ;
  };

  resumeDevices =
    if config.boot.resumeDevice != "" then [ config.boot.resumeDevice ]
    else map (swap: swap.device) (filter (swap:
      hasPrefix "/dev/" swap.device && !hasPrefix "/dev/zram" swap.device
      && !swap.randomEncryption.enable) config.swapDevices);

  settings = ''
    distroName=${escapeShellArg config.system.nixos.distroName}
    greeting=${escapeShellArg (optionalString cfg.verbose cfg.stage1Greeting)}
    checkJournalingFS=${optionalString cfg.checkJournalingFS "1"}
    resumeDevices=${escapeShellArg (concatStringsSep " " resumeDevices)}
  '';

  programs = import ./initrd-programs.nix { inherit lib pkgs; };
  isExt = fs: lib.elem fs.fsType [ "ext2" "ext3" "ext4" ];

  folder = path: { inherit path; type = "directory"; };
  file = path: text: { inherit path text; };
  link = path: target: { inherit path target; type = "link"; };
  tree = path: source: { inherit path source; type = "tree"; };

  # Decompressing is fast at every level; from 9 up, only the build gets slower for little.
  levels = { zstd = "-9"; gzip = "-9"; xz = "-6"; };
  compression =
    if lib.elem cfg.compressor [ "none" "cat" ] then "none"
    else concatStringsSep " " (
      [ cfg.compressor ]
      ++ (if cfg.compressorArgs == null then [ levels.${cfg.compressor} ] else cfg.compressorArgs)
    );

  initialRamdisk = pkgs.makeInitrd {
    name = "initrd-${config.boot.kernelPackages.kernel.name or "linux"}";
    inherit compression;
    inherit (cfg) prepend;
    contents =
      map folder [ "/bin" "/dev" "/etc" "/proc" "/run" "/sys" "/tmp" "/mnt-root" ]
      ++ [
        { path = "/init"; source = "${config.system.build.bootStage1}"; mode = "0755"; }
        { path = "/bin/busybox"; source = "${pkgs.busybox-static}/usr/bin/busybox"; mode = "0755"; }
        (link "/bin/sh" "busybox")
        # The kernel itself calls this when a file system or a cipher is asked for by name.
        (link "/sbin/modprobe" "../bin/busybox")
        (tree "/lib" "${modulesClosure}/lib")
        (file "/etc/modprobe.d/nixos.conf" config.environment.etc."modprobe.d/nixos.conf".text)
        (file "/etc/stage-1/settings" settings)
        (file "/etc/stage-1/shutdown" (builtins.readFile ./initrd-shutdown.sh))
        (file "/etc/stage-1/modules" (concatMapStrings (name: name + "\n") cfg.kernelModules))
        (file "/etc/stage-1/special-mounts" config.system.build.specialMountsText)
        (file "/etc/stage-1/file-systems" fileSystemTable)
      ]
      ++ lib.mapAttrsToList (name: commands: file "/etc/stage-1/${name}.sh" commands) hooks
      # Several programs share libraries.
      ++ lib.unique (
        optionals (lib.any isExt fileSystems) programs.ext
        ++ optionals (lib.any (fs: fs.autoFormat) fileSystems) programs.blkid
        ++ lib.concatMap (name: programs.${name}) cfg.programs
      )
      ++ lib.mapAttrsToList (path: entry: tree path entry.source) cfg.extraFiles;
  };

  commands = when: mkOption {
    type = types.lines;
    default = "";
    description = "Shell commands to run in the first stage of booting, ${when}.";
  };
in
{
  options = {
    boot.resumeDevice = mkOption {
      type = types.str;
      default = "";
      example = "/dev/sda3";
      description = ''
        Device from which a hibernated system is resumed. If empty, the swap devices are looked at.
      '';
    };

    boot.initrd = {
      enable = mkOption {
        type = types.bool;
        default = !config.boot.isContainer;
        defaultText = literalExpression "!config.boot.isContainer";
        description = "Whether the system has an initial RAM disk.";
      };

      extraFiles = mkOption {
        type = types.attrsOf (types.submodule {
          options.source = mkOption {
            type = types.package;
            description = "File or folder to put there.";
          };
        });
        default = { };
        description = "Further files in the initial RAM disk, by their path in it.";
      };

      prepend = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Other initrd files to put in front, such as microcode.";
      };

      checkJournalingFS = mkOption {
        type = types.bool;
        default = true;
        description = "Whether journaling file systems such as ext4 are checked before mounting.";
      };

      programs = mkOption {
        type = types.listOf (types.enum (lib.attrNames programs));
        default = [ ];
        internal = true;
        description = "Programs in the initial RAM disk, by their names in initrd-programs.nix.";
      };

      openDevicesCommands = mkOption {
        type = types.lines;
        default = "";
        internal = true;
        description = "Shell commands that open encrypted devices and volume groups.";
      };

      finishDevicesCommands = mkOption {
        type = types.lines;
        default = "";
        internal = true;
        description = "Shell commands that leave devices as the running system's udev wants them.";
      };

      preDeviceCommands = commands "once the kernel modules are loaded, before devices are used";
      preLVMCommands = commands "before encrypted devices and volume groups are opened";
      postDeviceCommands = commands "when the devices are there";
      postResumeCommands = commands "after the attempt to resume";
      postMountCommands = commands "when the file systems are mounted, below {file}`/mnt-root`";
      preFailCommands = commands "before the prompt that follows a failure";

      compressor = mkOption {
        type = types.either types.str (types.functionTo types.str);
        default = "zstd";
        example = "xz";
        description = ''
          How the initial RAM disk is compressed: `zstd`, `gzip`, `xz` or `none`. Programs are not
          called for it, so neither the path of one nor a function to it can be given.
        '';
      };

      compressorArgs = mkOption {
        type = types.nullOr (types.listOf types.str);
        default = null;
        example = [ "-19" ];
        description = "The level of compression, as `-` and a number; null for a sensible one.";
      };

      secrets = mkOption {
        type = types.attrsOf (types.nullOr types.path);
        default = { };
        description = ''
          Secrets for the initial RAM disk. An image is readable by whoever holds it, so this has
          to stay empty.
        '';
      };

      systemd.enable = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether the initial RAM disk runs systemd. Firn's runs a script of its own that does the
          same; switching this on changes nothing and gives a warning.
        '';
      };

      supportedFilesystems = mkOption {
        inherit (options.boot.supportedFilesystems) type example;
        default = { };
        description = "Types of file systems that the first stage of booting can mount.";
      };

      verbose = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the first stage of booting greets.";
      };

      stage1Greeting = mkOption {
        type = types.str;
        default = "<<< ${config.system.nixos.distroName} Stage 1 >>>";
        defaultText = literalMD ''`"<<< ''${config.system.nixos.distroName} Stage 1 >>>"`'';
        description = "The line printed when the first stage of booting begins.";
      };
    };

    boot.loader.supportsInitrdSecrets = mkOption {
      type = types.bool;
      default = false;
      internal = true;
      description = "Whether the boot loader adds secrets to the initial RAM disk; none does.";
    };

    fileSystems = mkOption {
      type = types.attrsOf (types.submodule {
        options.neededForBoot = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether the first stage of booting mounts this file system. It does so anyway for
            ${concatStringsSep ", " (map (path: "{file}`${path}`") utils.pathsNeededForBoot)}.
          '';
        };
      });
    };
  };

  config = mkIf cfg.enable {
    warnings = optional cfg.systemd.enable ''
      boot.initrd.systemd.enable is true, but the initial RAM disk of this system runs a script
      instead of systemd: the option changes nothing.
    '';

    assertions = [
      {
        assertion = lib.any (fs: fs.mountPoint == "/") fileSystems;
        message = "The 'fileSystems' option does not specify your root file system.";
      }
      {
        assertion = config.boot.resumeDevice == "" || hasPrefix "/" config.boot.resumeDevice;
        message = "boot.resumeDevice has to be an absolute path.";
      }
      {
        assertion = cfg.secrets == { };
        message = ''
          boot.initrd.secrets: everybody who can read the image or the boot partition could read
          them. Use boot.initrd.extraFiles for files that are no secrets.
        '';
      }
      {
        assertion = lib.elem cfg.compressor [ "zstd" "gzip" "xz" "none" "cat" ];
        message = ''boot.initrd.compressor has to be "zstd", "gzip", "xz" or "none".'';
      }
      {
        assertion = lib.all (fs: !fs.autoFormat || isExt fs) fileSystems;
        message = "autoFormat of file systems needed for booting is supported for ext2, ext3 and ext4.";
      }
    ];

    system.build = {
      inherit initialRamdisk modulesClosure;
      bootStage1 = pkgs.writeTextFile {
        name = "stage-1-init";
        executable = true;
        text = builtins.readFile ./stage-1-init.sh;
      };
    };

    boot.initrd.supportedFilesystems = map (fs: fs.fsType) fileSystems;
  };
}
