# The suite of login and account tools: /etc/login.defs and their rights.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.security.loginDefs;
  valueText = value: if builtins.isBool value then (if value then "yes" else "no") else toString value;
  optionalRange = default: description: mkOption {
    type = types.ints.unsigned;
    inherit default description;
  };
in

{
  options = {
    security.shadow.enable = lib.mkEnableOption "the suite of login and account tools" // { default = true; };
    security.loginDefs = {
      package = lib.mkPackageOption pkgs "passwd" { };
      chfnRestrict = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Which fields of their account users may change with chfn; null for none.";
      };
      settings = mkOption {
        description = "Settings of login.defs(5).";
        default = { };
        type = types.submodule {
          freeformType = types.attrsOf (types.oneOf [ types.str types.int types.bool ]);
          options = {
            DEFAULT_HOME = mkOption {
              type = types.bool;
              default = true;
              description = "Whether login works without the home.";
            };
            ENCRYPT_METHOD = mkOption {
              type = types.enum [ "YESCRYPT" "SHA512" "SHA256" "MD5" "DES" ];
              default = "YESCRYPT";
              description = "How passwords are hashed.";
            };
            SYS_UID_MIN = optionalRange 400 "Least number of a service's account.";
            SYS_UID_MAX = optionalRange 999 "Greatest number of a service's account.";
            UID_MIN = optionalRange 1000 "Least number of a person's account.";
            UID_MAX = optionalRange 29999 "Greatest number of a person's account.";
            SYS_GID_MIN = optionalRange 400 "Least number of a service's group.";
            SYS_GID_MAX = optionalRange 999 "Greatest number of a service's group.";
            GID_MIN = optionalRange 1000 "Least number of an ordinary group.";
            GID_MAX = optionalRange 29999 "Greatest number of an ordinary group.";
            TTYGROUP = mkOption {
              type = types.str;
              default = "tty";
              description = "Group of a login terminal.";
            };
            TTYPERM = mkOption {
              type = types.str;
              default = "0620";
              description = "Mode of a login terminal.";
            };
            UMASK = mkOption {
              type = types.str;
              default = "077";
              description = "Mask for new homes.";
            };
          };
        };
      };
    };
  };

  config = lib.mkIf config.security.shadow.enable {
    environment.systemPackages = [ cfg.package ];
    security.loginDefs.settings = lib.mkMerge [
      {
        MAIL_DIR = lib.mkDefault "/var/mail";
        HUSHLOGIN_FILE = lib.mkDefault ".hushlogin";
        LOG_UNKFAIL_ENAB = lib.mkDefault false;
        LOG_OK_LOGINS = lib.mkDefault false;
        ENV_SUPATH = lib.mkDefault "PATH=${config.security.wrapperDir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        ENV_PATH = lib.mkDefault "PATH=${config.security.wrapperDir}:/usr/local/bin:/usr/bin:/bin";
        USERGROUPS_ENAB = lib.mkDefault true;
        HOME_MODE = lib.mkDefault "0700";
        LOGIN_RETRIES = lib.mkDefault 5;
        LOGIN_TIMEOUT = lib.mkDefault 60;
        SUB_UID_MIN = lib.mkDefault 100000;
        SUB_UID_MAX = lib.mkDefault 600100000;
        SUB_UID_COUNT = lib.mkDefault 65536;
        SUB_GID_MIN = lib.mkDefault 100000;
        SUB_GID_MAX = lib.mkDefault 600100000;
        SUB_GID_COUNT = lib.mkDefault 65536;
      }
      (lib.mkIf (cfg.chfnRestrict != null) { CHFN_RESTRICT = cfg.chfnRestrict; })
    ];
    environment.etc."login.defs".text =
      lib.concatStrings (lib.mapAttrsToList (name: value: "${name} ${valueText value}\n") cfg.settings);
    environment.etc."default/useradd".text = ''
      GROUP=100
      HOME=${config.users.defaultUserHome}
      SHELL=${toString config.users.defaultUserShell}
    '';
    security.wrappers.su = {
      source = "${pkgs.util-linux}/usr/bin/su";
      owner = "root";
      group = "root";
      setuid = true;
      permissions = "u+rx,g+rx,o+rx";
      links = [ "usr/bin/su" ];
    };
  };
}
