# The kernel, its modules and its command line.
#
# Debian's kernels come as signed packages with their modules beside them; nothing is compiled here.
# What asks for another kernel build (patches, a seed, structured configuration) can therefore have
# no effect and is refused with the reason, rather than ignored.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkDefault mkEnableOption mkIf mkMerge mkOption optionals types literalExpression;

  kernel = config.boot.kernelPackages.kernel;

  # Module names as a list, or as a set of switches that other modules can turn off again.
  moduleSet = description: mkOption {
    type = types.coercedTo (types.listOf types.str) (names: lib.genAttrs names (_: true))
      (types.attrsOf types.bool);
    default = { };
    apply = switches: lib.attrNames (lib.filterAttrs (_: wanted: wanted) switches);
    inherit description;
  };

  switchNote = ''
    A list of names, or a set whose names are modules and whose values say whether each is taken.
    A name set to `false` is merely not asked for: to keep a module from being loaded at all, use
    {option}`boot.blacklistedKernelModules`.
  '';
in
{
  options = {
    boot.isContainer = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the system runs in a container: without a kernel and initrd of its own.";
    };

    boot.kernel.enable = mkEnableOption "the Linux kernel; containers have none of their own" // {
      default = true;
    };

    boot.kernel.features = mkOption {
      type = types.attrs;
      default = { };
      internal = true;
      description = "Features that the kernel is said to have, for modules that ask.";
    };

    boot.kernelPackages = mkOption {
      type = types.raw;
      default = pkgs.linuxPackages;
      defaultText = literalExpression "pkgs.linuxPackages";
      example = literalExpression "pkgs.linuxPackages_latest";
      description = ''
        The kernel and what belongs to it. `pkgs.linuxPackages` is the signed kernel of the Debian
        release, `pkgs.linuxPackages_latest` the one of its backports.
      '';
    };

    boot.kernelPatches = mkOption {
      type = types.listOf types.attrs;
      default = [ ];
      description = ''
        Patches to the kernel. Debian's kernel is taken as it was built and signed, so this has to
        stay empty; it is here so that a configuration that sets it is told.
      '';
    };

    boot.kernel.randstructSeed = mkOption {
      type = types.str;
      default = "";
      description = "Seed of a kernel build of one's own; has to stay empty with Debian's kernels.";
    };

    boot.kernelParams = mkOption {
      type = types.listOf (types.strMatching ''([^"[:space:]]|"[^"]*")+'' // {
        name = "kernelParam";
        description = "string, with spaces inside double quotes";
      });
      default = [ ];
      description = "Parameters added to the kernel command line.";
    };

    boot.consoleLogLevel = mkOption {
      type = types.int;
      default = 4;
      description = ''
        Kernel messages more urgent than this level (0 is the most urgent, 7 for debugging) appear
        on the console.
      '';
    };

    boot.extraModulePackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = ''
        Packages with further kernel modules, below `lib/modules/` and the version of the kernel.
      '';
    };

    boot.kernelModules = moduleSet ''
      Kernel modules to load in the second stage of booting. Modules that are needed to mount the
      root file system belong into {option}`boot.initrd.availableKernelModules` or
      {option}`boot.initrd.kernelModules`.

      ${switchNote}
    '';

    boot.initrd.availableKernelModules = moduleSet ''
      Kernel modules to have in the initial RAM disk, with all that they depend on. They are loaded
      when hardware or a file system asks for them.

      ${switchNote}
    '';

    boot.initrd.kernelModules = moduleSet ''
      Kernel modules to load in the first stage of booting, whatever the hardware.

      ${switchNote}
    '';

    boot.initrd.includeDefaultModules = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the initial RAM disk has the drivers of common disks, controllers and keyboards.
      '';
    };

    boot.initrd.allowMissingModules = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the initial RAM disk may be made although the kernel lacks modules asked for in
        {option}`boot.initrd.availableKernelModules` or {option}`boot.initrd.kernelModules`.
      '';
    };

    system.modulesTree = mkOption {
      type = types.listOf types.path;
      default = [ ];
      internal = true;
      apply = modules: pkgs.makeModulesTree {
        name = "${kernel.name or "linux"}-modules";
        inherit modules;
        inherit (kernel) modDirVersion;
      };
      description = ''
        What has kernel modules: the kernel, and packages built for it. Read, it is one tree of all
        of them, with the indexes that modprobe needs.
      '';
    };

    system.requiredKernelConfig = mkOption {
      type = types.listOf types.attrs;
      default = [ ];
      internal = true;
      description = "Settings a kernel build must have; Debian's kernels have what our modules use.";
    };
  };

  config = mkMerge [
    (mkIf config.boot.isContainer { boot.kernel.enable = mkDefault false; })

    {
      assertions = [
        {
          assertion = config.boot.kernelPatches == [ ];
          message = ''
            boot.kernelPatches is set, but Debian's kernel is used as it was built and signed: it
            cannot be patched. Leave the option out, or bring what is needed as a module package
            in boot.extraModulePackages.
          '';
        }
        {
          assertion = config.boot.kernel.randstructSeed == "";
          message = "boot.kernel.randstructSeed has no effect on Debian's kernel: leave it out.";
        }
      ];
      lib.kernelConfig =
        let
          need = name: line: { message = "CONFIG_${name} is needed"; configLine = line; };
        in
        {
          isYes = name: need name "CONFIG_${name}=y";
          isNo = name: need name "CONFIG_${name}=n";
          isModule = name: need name "CONFIG_${name}=m";
          isEnabled = name: need name "CONFIG_${name}=y";
          isDisabled = name: need name "CONFIG_${name}=n";
        };
    }

    (mkIf config.boot.initrd.enable {
      boot.initrd.availableKernelModules = optionals config.boot.initrd.includeDefaultModules [
        "ahci" "sata_nv" "sata_via" "sata_sis" "sata_uli" "ata_piix" "pata_marvell"
        "nvme"
        "sd_mod" "sr_mod"
        "mmc_block"
        "uhci_hcd" "ehci_hcd" "ehci_pci" "ohci_hcd" "ohci_pci" "xhci_hcd" "xhci_pci"
        "usbhid" "hid_generic" "hid_lenovo" "hid_apple" "hid_roccat" "hid_logitech_hidpp"
        "hid_logitech_dj" "hid_microsoft" "hid_cherry" "hid_corsair"
        "atkbd" "i8042"
      ];
      boot.initrd.kernelModules = optionals config.boot.initrd.includeDefaultModules [ "dm_mod" ];
    })

    (mkIf config.boot.kernel.enable {
      system.build.kernel = kernel;
      system.modulesTree = [ kernel ] ++ config.boot.extraModulePackages;

      boot.kernelParams = [ "loglevel=${toString config.boot.consoleLogLevel}" ];
      boot.kernel.sysctl."kernel.printk" = mkDefault config.boot.consoleLogLevel;
      boot.kernelModules = [ "loop" "atkbd" ];

      environment.etc."modules-load.d/nixos.conf".text =
        lib.concatMapStrings (name: name + "\n") config.boot.kernelModules;

      systemd.services.systemd-modules-load = {
        wantedBy = [ "multi-user.target" ];
        restartTriggers = [ config.environment.etc."modules-load.d/nixos.conf".source ];
        # Modules asked for here are often "if there is such hardware": a missing one is no failure.
        serviceConfig.SuccessExitStatus = "0 1";
      };
    })
  ];
}
