# /tmp: in memory or not, cleaned at boot or not.
{ config, lib, ... }:

let
  inherit (lib) mkIf mkOption mkRenamedOptionModule optional types;
  cfg = config.boot.tmp;
in
{
  imports = [
    (mkRenamedOptionModule [ "boot" "cleanTmpDir" ] [ "boot" "tmp" "cleanOnBoot" ])
    (mkRenamedOptionModule [ "boot" "tmpOnTmpfs" ] [ "boot" "tmp" "useTmpfs" ])
    (mkRenamedOptionModule [ "boot" "tmpOnTmpfsSize" ] [ "boot" "tmp" "tmpfsSize" ])
  ];

  options.boot.tmp = {
    cleanOnBoot = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to delete all files in {file}`/tmp` during boot.";
    };

    useTmpfs = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether {file}`/tmp` is a file system in memory. Large temporary files then need memory:
        raise {option}`boot.tmp.tmpfsSize` if they do not fit.
      '';
    };

    tmpfsSize = mkOption {
      type = types.oneOf [ types.str types.ints.positive ];
      default = "50%";
      description = "Greatest size of {file}`/tmp` in memory: a share of the memory, or bytes.";
    };

    tmpfsHugeMemoryPages = mkOption {
      type = types.enum [ "never" "always" "within_size" "advise" ];
      default = "never";
      description = "When {file}`/tmp` in memory may use huge pages; see {manpage}`tmpfs(5)`.";
    };
  };

  config = {
    systemd.mounts = mkIf cfg.useTmpfs [
      {
        what = "tmpfs";
        where = "/tmp";
        type = "tmpfs";
        mountConfig.Options = lib.concatStringsSep "," [
          "mode=1777" "strictatime" "rw" "nosuid" "nodev"
          "size=${toString cfg.tmpfsSize}" "huge=${cfg.tmpfsHugeMemoryPages}"
        ];
      }
    ];
    # Debian's systemd mounts /tmp in memory unless it is told not to.
    systemd.suppressedSystemUnits = mkIf (!cfg.useTmpfs) [ "tmp.mount" ];
    systemd.tmpfiles.rules = optional cfg.cleanOnBoot "D! /tmp 1777 root root";
  };
}
