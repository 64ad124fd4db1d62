# Switching a running machine to another system: options that configurations set.
#
# A machine of this distribution changes its system by booting the next one; there is no program
# that switches it while it runs. Saying that none is wanted is therefore true already, and asking
# for one is told.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.system;
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "system" "switch" "enableNg" ] "There is one way only: the next system is booted.")
  ];

  options.system = {
    switch.enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether a program is wanted that switches the running machine to another system. There is
        none: the next system is booted.
      '';
    };
    autoUpgrade.enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the machine upgrades itself from time to time. It is refused: images are built and booted instead.";
    };
    disableInstallerTools = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the system does without the tools that install and rebuild systems.";
    };
    preSwitchChecks = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Accepted for compatibility; see {option}`system.switch.enable`.";
    };
  };

  options.boot.bootspec = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility: the system's folder has the same facts as single files.";
    };
    extensions = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      description = "Accepted for compatibility.";
    };
  };

  config.assertions = [
    {
      assertion = !cfg.autoUpgrade.enable;
      message = "system.autoUpgrade.enable is set, but a machine cannot upgrade itself here: build the next image, or leave the option out.";
    }
  ];
  config.warnings = lib.optional cfg.switch.enable "system.switch.enable is set, but the running machine cannot be switched: boot the next system.";
}
