# systemd-logind: sessions, power keys, lids.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.logind;
  action = types.enum [
    "ignore" "poweroff" "reboot" "halt" "kexec" "suspend" "hibernate" "hybrid-sleep"
    "suspend-then-hibernate" "sleep" "lock"
  ];
  valueText = value: if value == true then "yes" else if value == false then "no" else toString value;

  renamed = {
    killUserProcesses = "KillUserProcesses";
    lidSwitch = "HandleLidSwitch";
    lidSwitchExternalPower = "HandleLidSwitchExternalPower";
    lidSwitchDocked = "HandleLidSwitchDocked";
    powerKey = "HandlePowerKey";
    powerKeyLongPress = "HandlePowerKeyLongPress";
    rebootKey = "HandleRebootKey";
    rebootKeyLongPress = "HandleRebootKeyLongPress";
    suspendKey = "HandleSuspendKey";
    suspendKeyLongPress = "HandleSuspendKeyLongPress";
    hibernateKey = "HandleHibernateKey";
    hibernateKeyLongPress = "HandleHibernateKeyLongPress";
  };
in

{
  imports = lib.mapAttrsToList (old: new:
    lib.mkRenamedOptionModule [ "services" "logind" old ] [ "services" "logind" "settings" "Login" new ]) renamed;

  options.services.logind = {
    settings.Login = mkOption {
      description = "Settings of logind.conf(5).";
      default = { };
      type = types.submodule {
        freeformType = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.str ]));
        options = {
          KillUserProcesses = mkOption {
            type = types.bool;
            default = false;
            description = "Whether a session's processes end with it.";
          };
        } // lib.genAttrs [ "HandlePowerKey" "HandleLidSwitch" ] (name: mkOption {
          type = types.nullOr action;
          default = null;
          description = "What ${name} leads to; null for the built-in choice.";
        });
      };
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Lines added to {file}`logind.conf`.";
    };
  };

  config.environment.etc."systemd/logind.conf".text =
    "[Login]\n"
    + lib.concatStrings (lib.mapAttrsToList (name: value: lib.optionalString (value != null) "${name}=${valueText value}\n") cfg.settings.Login)
    + cfg.extraConfig;
}
