# system.build.toplevel: the whole system as one store path.
#
# Kernel, initial RAM disk, init, activation program, /etc and the file tree stand in it under the
# names that boot loaders and tools know. Whoever refers to it has the whole system.
{ config, lib, pkgs, ... }:
let
  inherit (lib) literalExpression mkOption optionalAttrs types;

  build = config.system.build;
  kernelFile = "${config.boot.kernelPackages.kernel}/${config.system.boot.loader.kernelFile}";

  activate = pkgs.writeTextFile {
    name = "activate";
    executable = true;
    text = config.system.activationScripts.script;
  };
  dryActivate = pkgs.writeTextFile {
    name = "dry-activate";
    executable = true;
    text = config.system.dryActivationScript;
  };

  program = source: {
    type = "file";
    inherit source;
    mode = "0755";
  };
  text = content: {
    type = "file";
    text = content;
  };
  link = target: {
    type = "link";
    inherit target;
  };

  entries = {
    "activate" = program activate;
    "dry-activate" = program dryActivate;
    "etc" = link "${build.etc}/etc";
    "sw" = link "${config.system.path}";
    # What process 1 is started from: bin, lib of the tree's /usr.
    "systemd" = link "${config.system.path}/usr";
    "init-interface-version" = text "systemd 257";
    "nixos-version" = text config.system.nixos.label;
    "system" = text pkgs.system;
    "extra-dependencies" = text (
      lib.concatMapStrings (path: "${path}\n") config.system.extraDependencies
    );
  }
  // optionalAttrs (build ? bootStage2) { "init" = program build.bootStage2; }
  // optionalAttrs config.boot.kernel.enable (
    {
      "kernel" = link kernelFile;
      "kernel-params" = text (lib.concatStringsSep " " config.boot.kernelParams);
      "kernel-modules" = link "${config.system.modulesTree}";
    }
    // optionalAttrs config.boot.initrd.enable {
      "initrd" = link "${build.initialRamdisk}/${config.system.boot.loader.initrdFile}";
    }
    // optionalAttrs (config.hardware ? firmware && build ? firmware) {
      "firmware" = link "${build.firmware}/lib/firmware";
    }
  )
  // optionalAttrs (config.system.configurationRevision != null) {
    "configuration-revision" = text config.system.configurationRevision;
  }
  // lib.mapAttrs' (name: variant: {
    name = "specialisation/${name}";
    value = link "${variant.configuration.system.build.toplevel}";
  }) config.specialisation
  // optionalAttrs (config.specialisation == { }) {
    "specialisation" = { type = "directory"; };
  }
  // config.system.systemTreeEntries;

  # All that is wrong, told at once.
  failed = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  checked =
    value:
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (message: "- ${message}") failed}"
    else
      lib.showWarnings config.warnings value;

  system = pkgs.writeTree {
    name = "nixos-system-${config.system.name}-${config.system.nixos.label}";
    entries = checked entries;
  };
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "nixpkgs" "initialSystem" ] "The platform is nixpkgs.hostPlatform.")
    (lib.mkRemovedOptionModule [ "system" "extraSystemBuilderCmds" ] ''
      There is no shell where systems are assembled; add files by system.systemTreeEntries.
    '')
    (lib.mkRemovedOptionModule [ "system" "systemBuilderCommands" ] ''
      There is no shell where systems are assembled; add files by system.systemTreeEntries.
    '')
  ];

  options = {
    system.boot.loader.id = mkOption {
      internal = true;
      default = "";
      type = types.str;
      description = "Name of the boot loader in use.";
    };
    system.boot.loader.kernelFile = mkOption {
      internal = true;
      default = "bzImage";
      type = types.str;
      description = "Name of the kernel's file in its package.";
    };
    system.boot.loader.initrdFile = mkOption {
      internal = true;
      default = "initrd";
      type = types.str;
      description = "Name of the initial RAM disk's file in its package.";
    };
    system.copySystemConfiguration = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Accepted for compatibility, with a warning: the system is made of several files, and from
        them alone it cannot be told which belong to it. Put them there by
        {option}`environment.etc`.
      '';
    };
    system.build.toplevel = mkOption {
      type = types.package;
      readOnly = true;
      description = "The whole system as one store path.";
    };
    system.name = mkOption {
      type = types.str;
      default = if config.networking.hostName == "" then "unnamed" else config.networking.hostName;
      defaultText = literalExpression ''if config.networking.hostName == "" then "unnamed" else config.networking.hostName'';
      description = "Name of the system, a part of its store path.";
    };
    system.extraDependencies = mkOption {
      type = types.listOf types.pathInStore;
      default = [ ];
      description = "Store paths that stay as long as the system does, although nothing in it names them.";
    };
    system.replaceDependencies = mkOption {
      type = types.raw;
      visible = false;
      default = { };
      description = "Accepted for compatibility: use an overlay.";
    };
    system.includeBuildDependencies = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility: Debian's packages are not built here.";
    };
    system.checks = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages that must be buildable for the system to be; they are kept along with it.";
    };
    system.forbiddenDependenciesRegexes = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Accepted for compatibility.";
    };
    system.systemTreeEntries = mkOption {
      type = types.attrsOf types.attrs;
      internal = true;
      default = { };
      example = literalExpression ''{ "boot.json".text = "…"; }'';
      description = "Further entries of the system's folder, as writeTree takes them.";
    };
    system.build.compressEarly = mkOption {
      type = types.listOf types.package;
      internal = true;
      description = ''
        Large store paths that the system refers to and that are there early in a build: an image can
        begin with them.
      '';
    };
    system.build.separateActivationScript = mkOption {
      type = types.package;
      internal = true;
      description = "The activation program on its own.";
    };
  };

  config = {
    warnings = lib.optional config.system.copySystemConfiguration
      "system.copySystemConfiguration has no effect: put the files there by environment.etc.";
    system.extraDependencies = config.system.checks;
    system.build.toplevel = system;
    system.build.separateActivationScript = activate;
    system.build.compressEarly = lib.optionals config.boot.kernel.enable (
      [ (config.boot.kernelPackages.kernel.package or config.boot.kernelPackages.kernel) ]
      ++ lib.optional (config.hardware ? firmware && build ? firmware) build.firmware
    );
  };
}
