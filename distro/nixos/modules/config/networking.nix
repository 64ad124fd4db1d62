# Files about the network: hosts, proxies, time servers.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.networking;

  variable = description: default: mkOption {
    type = types.nullOr types.str;
    inherit default description;
    example = "http://127.0.0.1:3128";
  };
  hostLine = address: names: lib.optionalString (names != [ ]) "${address} ${lib.concatStringsSep " " names}\n";
  localhostElsewhere = lib.any (lib.elem "localhost")
    (builtins.attrValues (builtins.removeAttrs cfg.hosts [ "127.0.0.1" "::1" ]));
in

{
  imports = [
    (lib.mkRemovedOptionModule [ "networking" "hostConf" ] "Use environment.etc.\"host.conf\" instead.")
  ];

  options.networking = {
    hosts = mkOption {
      type = types.attrsOf (types.listOf types.str);
      example = { "192.168.0.2" = [ "fileserver.local" ]; };
      description = "Addresses and the names they have, for {file}`/etc/hosts`.";
    };
    hostFiles = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = "Files joined to {file}`/etc/hosts` after the declared lines.";
    };
    extraHosts = mkOption {
      type = types.lines;
      default = "";
      example = "192.168.0.1 lanlocalhost";
      description = "Lines added to {file}`/etc/hosts`.";
    };
    timeServers = mkOption {
      type = types.listOf types.str;
      default = map (number: "${toString number}.debian.pool.ntp.org") [ 0 1 2 3 ];
      description = "Servers the clock is set by.";
    };
    enableIPv6 = mkOption {
      type = types.bool;
      default = true;
      description = "Whether IPv6 is used.";
    };
    proxy = {
      default = variable "Proxy for all protocols below." null;
      httpProxy = variable "Proxy for HTTP." cfg.proxy.default;
      httpsProxy = variable "Proxy for HTTPS." cfg.proxy.default;
      ftpProxy = variable "Proxy for FTP." cfg.proxy.default;
      rsyncProxy = variable "Proxy for rsync." cfg.proxy.default;
      allProxy = variable "Proxy for every other protocol." cfg.proxy.default;
      noProxy = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "127.0.0.1,localhost,.localdomain";
        description = "Hosts reached without a proxy.";
      };
      envVars = mkOption {
        type = types.attrs;
        internal = true;
        default = { };
        description = "Proxy variables for services.";
      };
    };
  };

  config = {
    assertions = [
      {
        assertion = !localhostElsewhere;
        message = "networking.hosts gives the name localhost to another address than 127.0.0.1 and ::1.";
      }
    ];

    networking.hosts =
      let
        names = lib.optional (cfg.hostName != "" && cfg.fqdnOrHostName != cfg.hostName) cfg.fqdn
          ++ lib.optional (cfg.hostName != "") cfg.hostName;
      in
      {
        "127.0.0.1" = [ "localhost" ];
        # As on every Debian machine: the name itself resolves to an address of its own.
        "127.0.1.1" = names;
        "::1" = lib.mkIf cfg.enableIPv6 [ "localhost" "ip6-localhost" "ip6-loopback" ];
      };

    environment.etc = {
      hosts =
        let
          text = lib.concatStrings (lib.mapAttrsToList hostLine cfg.hosts) + cfg.extraHosts;
        in
        if cfg.hostFiles == [ ] then { inherit text; }
        else {
          source = pkgs.concatFiles {
            name = "hosts";
            header = text;
            files = cfg.hostFiles;
            separator = "\n";
          };
        };
      networks.text = lib.mkDefault "default 0.0.0.0\nloopback 127.0.0.0\nlink-local 169.254.0.0\n";
    };

    networking.proxy.envVars = lib.filterAttrs (_: value: value != null) {
      http_proxy = cfg.proxy.httpProxy;
      https_proxy = cfg.proxy.httpsProxy;
      ftp_proxy = cfg.proxy.ftpProxy;
      rsync_proxy = cfg.proxy.rsyncProxy;
      all_proxy = cfg.proxy.allProxy;
      no_proxy = cfg.proxy.noProxy;
    };
    environment.sessionVariables = cfg.proxy.envVars;
  };
}
