# Power management: what is done around sleep and at start.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.powerManagement;
  commands = description: mkOption { type = types.lines; default = ""; inherit description; };
  hook = name: text: toString (pkgs.writeShellScript name text);
in

{
  options.powerManagement = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether power is managed: the commands below are run.";
    };
    resumeCommands = commands "Commands after waking up.";
    powerUpCommands = commands "Commands when the system starts, wakes up, or gets mains power.";
    powerDownCommands = commands "Commands when the system goes to sleep or stops.";
    cpuFreqGovernor = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "ondemand";
      description = "Governor of the processors' frequency; null leaves the kernel's.";
    };
    cpufreq = {
      min = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        description = "Least frequency in kHz.";
      };
      max = mkOption {
        type = types.nullOr types.ints.unsigned;
        default = null;
        description = "Greatest frequency in kHz.";
      };
    };
  };

  config = mkIf cfg.enable (lib.mkMerge [
    (mkIf (cfg.powerDownCommands != "") {
      systemd.services.pre-sleep = {
        description = "Actions before sleep";
        wantedBy = [ "sleep.target" ];
        before = [ "sleep.target" ];
        serviceConfig = { Type = "oneshot"; ExecStart = hook "pre-sleep" cfg.powerDownCommands; };
      };
    })
    (mkIf (cfg.resumeCommands != "" || cfg.powerUpCommands != "") {
      systemd.services.post-resume = {
        description = "Actions after sleep";
        wantedBy = [
          "suspend.target" "hibernate.target" "hybrid-sleep.target" "suspend-then-hibernate.target"
        ];
        after = [
          "systemd-suspend.service" "systemd-hibernate.service" "systemd-hybrid-sleep.service"
          "systemd-suspend-then-hibernate.service"
        ];
        serviceConfig = {
          Type = "oneshot";
          ExecStart = hook "post-resume" (cfg.resumeCommands + "\n" + cfg.powerUpCommands);
        };
      };
    })
    (mkIf (cfg.powerUpCommands != "") {
      systemd.services.power-up = {
        description = "Actions at start";
        wantedBy = [ "multi-user.target" ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = hook "power-up" cfg.powerUpCommands;
        };
      };
    })
    (mkIf (cfg.cpuFreqGovernor != null || cfg.cpufreq.min != null || cfg.cpufreq.max != null) {
      boot.kernelModules = lib.optional (cfg.cpuFreqGovernor != null) "cpufreq_${cfg.cpuFreqGovernor}";
      environment.systemPackages = [ pkgs.linux-cpupower ];
      systemd.services.cpufreq = {
        description = "Set the processors' frequency governor";
        wantedBy = [ "multi-user.target" ];
        after = [ "systemd-modules-load.service" ];
        unitConfig.ConditionVirtualization = "false";
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "/usr/bin/cpupower frequency-set"
            + lib.optionalString (cfg.cpuFreqGovernor != null) " --governor ${cfg.cpuFreqGovernor}"
            + lib.optionalString (cfg.cpufreq.min != null) " --min ${toString cfg.cpufreq.min}"
            + lib.optionalString (cfg.cpufreq.max != null) " --max ${toString cfg.cpufreq.max}";
        };
      };
    })
  ]);
}
