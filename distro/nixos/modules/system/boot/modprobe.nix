# What modprobe reads: blacklists, module options, aliases.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkEnableOption mkIf mkOption types;
in
{
  options = {
    boot.modprobeConfig.enable = mkEnableOption "the configuration of modprobe" // {
      default = true;
    };

    boot.modprobeConfig.useUbuntuModuleBlacklist = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Ubuntu's list of modules not to load. Debian has its own, which is used instead: setting
        this is refused.
      '';
    };

    boot.blacklistedKernelModules = mkOption {
      type = types.coercedTo (types.listOf types.str) (names: lib.genAttrs names (_: true))
        (types.attrsOf types.bool);
      default = { };
      example = [ "cirrusfb" "i2c_piix4" ];
      apply = switches: lib.attrNames (lib.filterAttrs (_: wanted: wanted) switches);
      description = ''
        Kernel modules that are not loaded for hardware that asks for them: a list of names, or a
        set of switches.
      '';
    };

    boot.extraModprobeConfig = mkOption {
      type = types.lines;
      default = "";
      example = "options parport_pc io=0x378 irq=7 dma=1\n";
      description = "Further lines for modprobe, such as options of modules; see {manpage}`modprobe.d(5)`.";
    };
  };

  config = mkIf config.boot.modprobeConfig.enable {
    assertions = [
      {
        assertion = !config.boot.modprobeConfig.useUbuntuModuleBlacklist;
        message = ''
          boot.modprobeConfig.useUbuntuModuleBlacklist: Ubuntu's list is not part of Debian. Name the
          modules in boot.blacklistedKernelModules.
        '';
      }
    ];
    environment.etc."modprobe.d/nixos.conf".text =
      lib.concatMapStrings (name: "blacklist ${name}\n") config.boot.blacklistedKernelModules
      + config.boot.extraModprobeConfig;
    environment.systemPackages = [ pkgs.kmod ];
  };
}
