# systemd: units, the manager's settings, what is started at boot.
#
# The packages bring most units; they stand in the system's tree and can be started by others at
# once. What runs at boot is said here, as in NixOS: a unit of a package is started only if
# something wants it (`wantedBy`), or if its name is in systemd.installedUnits, which follows the
# unit's own [Install] section.
{ config, lib, pkgs, utils, ... }:
let
  inherit (lib) literalExpression mkOption types;
  inherit (utils) systemdUtils;
  inherit (systemdUtils.lib)
    automountToUnit generateUnits mountToUnit pathToUnit serviceToUnit settingsToSections
    sliceToUnit socketToUnit targetToUnit timerToUnit unitOption
    ;
  cfg = config.systemd;

  unitsByName = suffix: toUnit: set:
    lib.mapAttrs' (name: unit: lib.nameValuePair (
      if lib.hasSuffix suffix unit.name then unit.name else unit.name + suffix
    ) (toUnit unit)) set;
  unitsOfList = toUnit: list:
    lib.listToAttrs (map (unit: lib.nameValuePair unit.name (toUnit unit)) list);

  units = description: type: mkOption {
    default = { };
    inherit type description;
  };

  variables = set: lib.concatStringsSep " " (
    lib.mapAttrsToList (name: value: builtins.toJSON "${name}=${value}") (
      lib.filterAttrs (_: value: value != null) set
    )
  );

  managerSettings = types.submodule {
    freeformType = types.attrsOf unitOption;
  };

  # Debian packages that units need; they are in the system's tree, where units find them.
  servicePackages = lib.filter utils.isDebianPackage (
    lib.concatMap (service: service.path) (
      lib.filter (service: service.enable) (lib.attrValues cfg.services)
    )
    ++ cfg.packages
  );
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "boot" "systemd" "services" ] [ "systemd" "services" ])
    (lib.mkRenamedOptionModule [ "systemd" "additionalUpstreamSystemUnits" ] [ "systemd" "installedUnits" ])
    (lib.mkRemovedOptionModule [ "systemd" "enableUnifiedCgroupHierarchy" ] "Debian's systemd knows the unified hierarchy only.")
    (lib.mkRemovedOptionModule [ "systemd" "extraConfig" ] "Use systemd.settings.Manager instead.")
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "device" ] [ "systemd" "settings" "Manager" "WatchdogDevice" ])
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "runtimeTime" ] [ "systemd" "settings" "Manager" "RuntimeWatchdogSec" ])
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "rebootTime" ] [ "systemd" "settings" "Manager" "RebootWatchdogSec" ])
    (lib.mkRenamedOptionModule [ "systemd" "watchdog" "kexecTime" ] [ "systemd" "settings" "Manager" "KExecWatchdogSec" ])
    (lib.mkRemovedOptionModule [ "systemd" "sleep" "extraConfig" ] "Use systemd.sleep.settings.Sleep instead.")
  ];

  options.systemd = {
    package = mkOption {
      type = types.package;
      default = pkgs.systemd;
      defaultText = literalExpression "pkgs.systemd";
      description = "The package of systemd.";
    };
    enableStrictShellChecks = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility: scripts are not checked when the system is made.";
    };

    units = units "Units by their full name, as text." systemdUtils.types.units;
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = ''
        Packages whose units are there to be started. Debian packages are added to the system;
        of other packages the units in {file}`lib/systemd/system` and {file}`etc/systemd/system`
        are taken.
      '';
    };
    targets = units "Targets: groups of units." systemdUtils.types.targets;
    services = units "Services." systemdUtils.types.services;
    sockets = units "Sockets, which start a service when something connects." systemdUtils.types.sockets;
    timers = units "Timers, which start a service at times." systemdUtils.types.timers;
    paths = units "Paths, which start a service when a file changes." systemdUtils.types.paths;
    slices = units "Slices: groups of processes that share limits." systemdUtils.types.slices;
    mounts = mkOption {
      default = [ ];
      type = systemdUtils.types.mounts;
      description = "Mounts as units. {option}`fileSystems` is what is usually wanted.";
    };
    automounts = mkOption {
      default = [ ];
      type = systemdUtils.types.automounts;
      description = "Paths that are mounted when they are first used.";
    };

    installedUnits = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "cron.service" ];
      description = ''
        Units of packages that are enabled as their authors mean them to be: the links that their
        `[Install]` sections ask for are made.
      '';
    };
    suppressedSystemUnits = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "systemd-backlight@.service" ];
      description = "Units of packages that cannot be started.";
    };

    generators = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = { systemd-gpt-auto-generator = "/dev/null"; };
      description = "Programs that make units at boot, by name; /dev/null turns one of a package off.";
    };
    generatorEnvironment = mkOption {
      type = with types; attrsOf (nullOr (oneOf [ str path package ]));
      default = { };
      description = "Accepted for compatibility: generators run with the system's programs.";
    };
    shutdown = mkOption {
      type = types.attrsOf types.path;
      default = { };
      description = "Programs that run at the very end of a shutdown, by name.";
    };
    defaultUnit = mkOption {
      type = types.str;
      default = "multi-user.target";
      description = "The unit that is started at boot.";
    };
    ctrlAltDelUnit = mkOption {
      type = types.str;
      default = "reboot.target";
      example = "poweroff.target";
      description = "The unit that is started by Ctrl-Alt-Del on a console.";
    };
    globalEnvironment = mkOption {
      type = with types; attrsOf (nullOr (oneOf [ str path package ]));
      default = { };
      example = { TZ = "CET"; };
      description = "Environment variables of all services.";
    };
    managerEnvironment = mkOption {
      type = with types; attrsOf (nullOr (oneOf [ str path package ]));
      default = { };
      example = { SYSTEMD_LOG_LEVEL = "debug"; };
      description = "Environment variables of the manager itself; services do not inherit them.";
    };
    settings.Manager = mkOption {
      type = managerSettings;
      default = { };
      example = { WatchdogDevice = "/dev/watchdog"; RuntimeWatchdogSec = "30s"; };
      description = "Settings of the manager, see {manpage}`systemd-system.conf(5)`.";
    };
    sleep.settings.Sleep = mkOption {
      type = types.submodule { freeformType = types.attrsOf unitOption; };
      default = { };
      example = { HibernateDelaySec = "1h"; };
      description = "Settings of suspending and hibernating, see {manpage}`systemd-sleep.conf(5)`.";
    };
    enableEmergencyMode = mkOption {
      type = types.bool;
      default = true;
      description = "Whether a shell is offered when booting fails; without, booting goes on.";
    };
    enableCgroupAccounting = mkOption {
      type = types.bool;
      default = true;
      visible = false;
      description = "Accepted for compatibility.";
    };
  };

  config = {
    assertions = lib.concatLists (
      lib.mapAttrsToList (
        name: service:
        let
          type = service.serviceConfig.Type or "";
          restart = service.serviceConfig.Restart or "no";
          never = type == "oneshot" && (restart == "always" || restart == "on-success");
        in
        lib.optional never {
          assertion = false;
          message = "Service '${name}.service' with 'Type=oneshot' cannot have 'Restart=always' or 'Restart=on-success'";
        }
        ++ lib.optional (service.reloadIfChanged && service.reload == "" && !(service.serviceConfig ? ExecReload) && service.overrideStrategy != "asDropin" && service.serviceConfig ? ExecStart) {
          assertion = false;
          message = "Service '${name}.service' has 'reloadIfChanged' but no command to reload it (reload, serviceConfig.ExecReload)";
        }
      ) cfg.services
    );

    warnings = lib.concatLists (
      lib.mapAttrsToList (
        name: service:
        lib.optional (
          lib.elem "network-online.target" service.after
          && !lib.elem "network-online.target" (service.wants ++ service.requires ++ service.bindsTo)
        ) "${name}.service is ordered after 'network-online.target' but doesn't depend on it"
      ) cfg.services
    );

    system.build.units = generateUnits {
      type = "system";
      inherit (cfg) units packages;
      tree = config.system.path;
      links = {
        "default.target" = cfg.defaultUnit;
        "ctrl-alt-del.target" = cfg.ctrlAltDelUnit;
      };
      install = cfg.installedUnits;
      suppress = cfg.suppressedSystemUnits
        ++ lib.optionals (!cfg.enableEmergencyMode) [ "emergency.service" "rescue.service" ];
    };

    environment.systemPackages = [ cfg.package ] ++ servicePackages;

    environment.etc =
      {
        "systemd/system".source = config.system.build.units;
        "systemd/system.conf".text = settingsToSections {
          Manager = lib.optionalAttrs (cfg.globalEnvironment != { }) {
            DefaultEnvironment = variables cfg.globalEnvironment;
          }
          // lib.optionalAttrs (cfg.managerEnvironment != { }) {
            ManagerEnvironment = variables cfg.managerEnvironment;
          }
          // cfg.settings.Manager;
        };
        "systemd/sleep.conf".text = settingsToSections { Sleep = cfg.sleep.settings.Sleep; };
      }
      // lib.mapAttrs' (name: program: {
        name = "systemd/system-generators/${name}";
        value.source = program;
      }) cfg.generators
      // lib.mapAttrs' (name: program: {
        name = "systemd/system-shutdown/${name}";
        value.source = program;
      }) cfg.shutdown;

    systemd.units =
      unitsByName ".path" pathToUnit cfg.paths
      // unitsByName ".service" serviceToUnit cfg.services
      // unitsByName ".slice" sliceToUnit cfg.slices
      // unitsByName ".socket" socketToUnit cfg.sockets
      // unitsByName ".target" targetToUnit cfg.targets
      // unitsByName ".timer" timerToUnit cfg.timers
      // unitsOfList mountToUnit cfg.mounts
      // unitsOfList automountToUnit cfg.automounts;

    systemd.timers = lib.mapAttrs (name: service: {
      wantedBy = [ "timers.target" ];
      timerConfig.OnCalendar = service.startAt;
    }) (lib.filterAttrs (_: service: service.enable && service.startAt != [ ]) cfg.services);
  };
}
