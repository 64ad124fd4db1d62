# Units of the managers that run for each logged-in user.
{ config, lib, pkgs, utils, ... }:
let
  inherit (lib) mkOption types;
  inherit (utils) systemdUtils;
  inherit (systemdUtils.lib)
    generateUnits pathToUnit serviceToUnit settingsToSections sliceToUnit socketToUnit
    targetToUnit timerToUnit unitOption
    ;
  cfg = config.systemd.user;

  units = description: type: mkOption {
    default = { };
    inherit type description;
  };
  named = toUnit: set: lib.mapAttrs' (_: unit: lib.nameValuePair unit.name (toUnit unit)) set;
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "systemd" "user" "extraConfig" ] "Use systemd.user.settings.Manager instead.")
    (lib.mkRenamedOptionModule [ "systemd" "additionalUpstreamUserUnits" ] [ "systemd" "user" "installedUnits" ])
  ];

  options.systemd.user = {
    settings.Manager = mkOption {
      type = types.submodule { freeformType = types.attrsOf unitOption; };
      default = { };
      example = { DefaultTimeoutStartSec = "60s"; };
      description = "Settings of users' managers, see {manpage}`systemd-user.conf(5)`.";
    };
    units = units "Units by their full name, as text." systemdUtils.types.units;
    paths = units "Paths." systemdUtils.types.paths;
    services = units "Services." systemdUtils.types.services;
    slices = units "Slices." systemdUtils.types.slices;
    sockets = units "Sockets." systemdUtils.types.sockets;
    targets = units "Targets." systemdUtils.types.targets;
    timers = units "Timers." systemdUtils.types.timers;
    installedUnits = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "podman.socket" ];
      description = "Units of packages that are enabled as their `[Install]` sections say.";
    };
    generators = mkOption {
      type = types.attrsOf types.path;
      default = { };
      description = "Programs that make units when a user's manager starts.";
    };
  };

  config = {
    systemd.user.units =
      named pathToUnit cfg.paths
      // named serviceToUnit cfg.services
      // named sliceToUnit cfg.slices
      // named socketToUnit cfg.sockets
      // named targetToUnit cfg.targets
      // named timerToUnit cfg.timers;

    systemd.user.timers = lib.mapAttrs (name: service: {
      wantedBy = [ "timers.target" ];
      timerConfig.OnCalendar = service.startAt;
    }) (lib.filterAttrs (_: service: service.enable && service.startAt != [ ]) cfg.services);

    system.build.userUnits = generateUnits {
      type = "user";
      inherit (cfg) units;
      inherit (config.systemd) packages;
      tree = config.system.path;
      install = cfg.installedUnits;
    };

    environment.systemPackages = lib.filter utils.isDebianPackage (
      lib.concatMap (service: service.path) (
        lib.filter (service: service.enable) (lib.attrValues cfg.services)
      )
    );

    environment.etc =
      {
        "systemd/user".source = config.system.build.userUnits;
        "systemd/user.conf".text = settingsToSections { Manager = cfg.settings.Manager; };
      }
      // lib.mapAttrs' (name: program: {
        name = "systemd/user-generators/${name}";
        value.source = program;
      }) cfg.generators;
  };
}
