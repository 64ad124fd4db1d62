# Where names are looked up: /etc/nsswitch.conf.
#
# The databases are lists with NixOS's option names; modules that bring a service add to them.
# libc itself knows files and dns; systemd's modules come from libnss-systemd, libnss-myhostname
# and libnss-resolve.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.system.nssDatabases;

  database = name: mkOption {
    type = types.listOf types.str;
    default = [ ];
    description = "Sources of the database ${name}, in order.";
  };
  resolved = config.services.resolved.enable;
in

{
  options.system = {
    nssModules = mkOption {
      type = types.listOf types.path;
      internal = true;
      default = [ ];
      description = "Packages with modules for name look-ups.";
    };
    nssDatabases = {
      passwd = database "passwd";
      group = database "group";
      shadow = database "shadow";
      sudoers = database "sudoers";
      hosts = database "hosts";
      services = database "services";
    };
  };

  config = {
    environment.systemPackages = [ pkgs.libnss-systemd pkgs.libnss-myhostname ]
      ++ lib.optional resolved pkgs.libnss-resolve
      ++ lib.filter lib.isDerivation config.system.nssModules;

    system.nssDatabases = {
      passwd = lib.mkMerge [ (lib.mkBefore [ "files" ]) [ "systemd" ] ];
      group = lib.mkMerge [ (lib.mkBefore [ "files" "[success=merge]" ]) [ "systemd" ] ];
      shadow = lib.mkMerge [ (lib.mkBefore [ "files" ]) [ "systemd" ] ];
      sudoers = lib.mkBefore [ "files" ];
      hosts = lib.mkMerge [
        (lib.mkIf resolved (lib.mkOrder 501 [ "resolve [!UNAVAIL=return]" ]))
        (lib.mkOrder 998 [ "files" ])
        (lib.mkOrder 999 [ "myhostname" ])
        (lib.mkOrder 1499 [ "dns" ])
      ];
      services = lib.mkBefore [ "files" ];
    };

    environment.etc."nsswitch.conf".text = ''
      passwd:    ${lib.concatStringsSep " " cfg.passwd}
      group:     ${lib.concatStringsSep " " cfg.group}
      shadow:    ${lib.concatStringsSep " " cfg.shadow}
      gshadow:   files systemd
      sudoers:   ${lib.concatStringsSep " " cfg.sudoers}

      hosts:     ${lib.concatStringsSep " " cfg.hosts}
      networks:  files

      ethers:    files
      services:  ${lib.concatStringsSep " " cfg.services}
      protocols: files
      rpc:       files
    '';
  };
}
