# Nix on the system itself: Debian's nix-bin, when asked for.
#
# The options are accepted in any case, so that a configuration written for NixOS evaluates; they
# take effect with nix.enable.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf mkDefault types;
  cfg = config.nix;

  atom = types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path types.package ]);
  valueText = value:
    if value == null then ""
    else if builtins.isBool value then lib.boolToString value
    else if builtins.isList value then lib.concatMapStringsSep " " valueText value
    else toString value;
  settingLines = lib.concatStrings (lib.mapAttrsToList
    (name: value: lib.optionalString (value != null) "${name} = ${valueText value}\n") cfg.settings);
  registryFile = builtins.toJSON {
    version = 2;
    flakes = lib.mapAttrsToList (_: entry: { inherit (entry) from to exact; }) cfg.registry;
  };
in

{
  imports = [
    (lib.mkRenamedOptionModule [ "nix" "useChroot" ] [ "nix" "settings" "sandbox" ])
    (lib.mkRenamedOptionModule [ "nix" "useSandbox" ] [ "nix" "settings" "sandbox" ])
    (lib.mkRenamedOptionModule [ "nix" "trustedUsers" ] [ "nix" "settings" "trusted-users" ])
    (lib.mkRenamedOptionModule [ "nix" "allowedUsers" ] [ "nix" "settings" "allowed-users" ])
    (lib.mkRenamedOptionModule [ "nix" "maxJobs" ] [ "nix" "settings" "max-jobs" ])
    (lib.mkRenamedOptionModule [ "nix" "buildCores" ] [ "nix" "settings" "cores" ])
    (lib.mkRenamedOptionModule [ "nix" "binaryCaches" ] [ "nix" "settings" "substituters" ])
    (lib.mkRenamedOptionModule [ "nix" "binaryCachePublicKeys" ] [ "nix" "settings" "trusted-public-keys" ])
    (lib.mkRenamedOptionModule [ "nix" "autoOptimiseStore" ] [ "nix" "settings" "auto-optimise-store" ])
  ];

  options.nix = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether Nix is on the system. Off by default here: the system needs none to run.
      '';
    };
    package = lib.mkPackageOption pkgs "nix-bin" { };
    checkConfig = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted for compatibility.";
    };
    checkAllErrors = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted for compatibility.";
    };
    extraOptions = mkOption {
      type = types.lines;
      default = "";
      example = "keep-outputs = true";
      description = "Lines added to {file}`nix.conf`.";
    };
    nixPath = mkOption {
      type = types.listOf types.str;
      default = [
        "nixos-config=/etc/nixos/configuration.nix" "/nix/var/nix/profiles/per-user/root/channels"
      ];
      description = "The search path `NIX_PATH`.";
    };
    channel.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted for compatibility.";
    };
    nrBuildUsers = mkOption {
      type = types.int;
      default = 0;
      description = "How many accounts for builds there are.";
    };
    daemonCPUSchedPolicy = mkOption {
      type = types.enum [ "other" "batch" "idle" ];
      default = "other";
      description = "Scheduling of builds.";
    };
    daemonIOSchedClass = mkOption {
      type = types.enum [ "best-effort" "idle" ];
      default = "best-effort";
      description = "Disk scheduling of builds.";
    };
    daemonIOSchedPriority = mkOption {
      type = types.int;
      default = 4;
      description = "Disk priority of builds.";
    };
    settings = mkOption {
      type = types.submodule {
        freeformType = types.attrsOf (types.either atom (types.listOf atom));
        options = {
          trusted-users = mkOption {
            type = types.listOf types.str;
            default = [ ];
            description = "Users who may do everything with the store.";
          };
          allowed-users = mkOption {
            type = types.listOf types.str;
            default = [ "*" ];
            description = "Users who may use the store.";
          };
          substituters = mkOption {
            type = types.listOf types.str;
            default = [ ];
            description = "Binary caches.";
          };
          trusted-public-keys = mkOption {
            type = types.listOf types.str;
            default = [ ];
            description = "Keys whose signatures on paths of binary caches are trusted.";
          };
          max-jobs = mkOption {
            type = types.either types.int (types.enum [ "auto" ]);
            default = "auto";
            description = "Builds at a time.";
          };
          cores = mkOption {
            type = types.int;
            default = 0;
            description = "Processor cores per build; 0 for all.";
          };
          sandbox = mkOption {
            type = types.either types.bool (types.enum [ "relaxed" ]);
            default = true;
            description = "Whether builds see only what they declare.";
          };
          auto-optimise-store = mkOption {
            type = types.bool;
            default = false;
            description = "Whether equal files are linked together.";
          };
          require-sigs = mkOption {
            type = types.bool;
            default = true;
            description = "Whether paths need a trusted signature.";
          };
        };
      };
      default = { };
      description = "Settings of nix.conf.";
    };
    registry = mkOption {
      default = { };
      description = "Names of flakes.";
      type = types.attrsOf (types.submodule ({ name, ... }: {
        options = {
          from = mkOption {
            type = types.attrsOf types.anything;
            default = { type = "indirect"; id = name; };
            description = "The reference to replace.";
          };
          to = mkOption {
            type = types.attrsOf types.anything;
            description = "What it stands for.";
          };
          exact = mkOption {
            type = types.bool;
            default = true;
            description = "Whether the reference must match exactly.";
          };
        };
      }));
    };
    gc = {
      automatic = mkOption {
        type = types.bool;
        default = false;
        description = "Whether unneeded paths are removed regularly.";
      };
      dates = mkOption {
        type = types.either types.str (types.listOf types.str);
        default = "03:15";
        description = "When (systemd.time(7)).";
      };
      options = mkOption {
        type = types.singleLineStr;
        default = "";
        example = "--delete-older-than 30d";
        description = "Arguments of nix-collect-garbage.";
      };
      persistent = mkOption {
        type = types.bool;
        default = true;
        description = "Whether a missed time is made up for.";
      };
      randomizedDelaySec = mkOption {
        type = types.singleLineStr;
        default = "0";
        description = "Random delay.";
      };
    };
    optimise.automatic = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility.";
    };
    distributedBuilds = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility.";
    };
    buildMachines = mkOption {
      type = types.listOf types.anything;
      default = [ ];
      description = "Accepted for compatibility.";
    };
  };

  config = {
    nix.settings.trusted-users = [ "root" ];

    environment.systemPackages = lib.optional cfg.enable cfg.package;
    environment.etc = mkIf cfg.enable {
      "nix/nix.conf".text = ''
        # Made from the configuration's nix.settings.
        build-users-group = ${lib.optionalString (cfg.nrBuildUsers > 0) "nixbld"}
        ${settingLines}${cfg.extraOptions}
      '';
      "nix/registry.json" = mkIf (cfg.registry != { }) { text = registryFile; };
    };
    environment.sessionVariables = mkIf cfg.enable {
      NIX_PATH = lib.concatStringsSep ":" cfg.nixPath;
    };

    users.groups.nixbld = mkIf (cfg.enable && cfg.nrBuildUsers > 0) { gid = 30000; };
    users.users = mkIf (cfg.enable && cfg.nrBuildUsers > 0) (lib.listToAttrs (map (number: {
      name = "nixbld${toString number}";
      value = {
        description = "Nix build user ${toString number}";
        uid = 30000 + number;
        isSystemUser = true;
        group = "nixbld";
        extraGroups = [ "nixbld" ];
      };
    }) (lib.range 1 cfg.nrBuildUsers)));

    systemd.services.nix-gc = mkIf (cfg.enable && cfg.gc.automatic) {
      description = "Remove unneeded store paths";
      startAt = cfg.gc.dates;
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "/usr/bin/nix-collect-garbage ${cfg.gc.options}";
      };
    };
    systemd.timers.nix-gc = mkIf (cfg.enable && cfg.gc.automatic) {
      timerConfig = {
        Persistent = cfg.gc.persistent;
        RandomizedDelaySec = cfg.gc.randomizedDelaySec;
      };
    };
  };
}
