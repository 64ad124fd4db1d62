# dnsmasq: names, addresses by DHCP, and network boot for a small network.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkIf mkOption types;
  cfg = config.services.dnsmasq;

  value = types.nullOr (types.oneOf [ types.bool types.str types.int ]);
  line = name: value:
    if value == true then "${name}\n"
    else if value == false || value == null then ""
    else "${name}=${toString value}\n";
  file = pkgs.writeText "dnsmasq.conf" (lib.concatStrings (lib.concatLists
    (lib.mapAttrsToList (name: values: map (line name) (lib.toList values)) cfg.settings)));
in

{
  imports = [
    (lib.mkRenamedOptionModule [ "services" "dnsmasq" "servers" ] [ "services" "dnsmasq" "settings" "server" ])
    (lib.mkRemovedOptionModule [ "services" "dnsmasq" "extraConfig" ] "Use services.dnsmasq.settings instead.")
  ];

  options.services.dnsmasq = {
    enable = lib.mkEnableOption "dnsmasq";
    package = lib.mkPackageOption pkgs "dnsmasq" { };
    resolveLocalQueries = mkOption {
      type = types.bool;
      default = true;
      description = "Whether this machine itself asks dnsmasq for names.";
    };
    alwaysKeepRunning = mkOption {
      type = types.bool;
      default = false;
      description = "Whether it is started again whenever it ends.";
    };
    settings = mkOption {
      type = types.submodule {
        freeformType = types.attrsOf (types.either value (types.listOf value));
        options.server = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "9.9.9.9" ];
          description = "Name servers that are asked; by default those of networking.nameservers.";
        };
      };
      default = { };
      example = { domain-needed = true; dhcp-range = [ "192.168.0.2,192.168.0.254" ]; };
      description = "Settings, by the names of dnsmasq(8); a list becomes a line for each entry.";
    };
  };

  config = mkIf cfg.enable {
    services.dnsmasq.settings = {
      dhcp-leasefile = lib.mkDefault "/var/lib/dnsmasq/dnsmasq.leases";
      # /etc/resolv.conf names dnsmasq itself.
      server = lib.mkDefault config.networking.nameservers;
      no-resolv = mkIf cfg.resolveLocalQueries (lib.mkDefault true);
    };
    # Both answer on port 53.
    services.resolved.enable = lib.mkOverride 900 false;
    networking.resolvconf.useLocalResolver = mkIf cfg.resolveLocalQueries (lib.mkDefault true);

    environment.systemPackages = [ cfg.package ];
    users.users.dnsmasq = { isSystemUser = true; group = "dnsmasq"; description = "Account of dnsmasq"; };
    users.groups.dnsmasq = { };
    systemd.tmpfiles.rules = [
      "d /var/lib/dnsmasq 0755 dnsmasq dnsmasq -"
    ];

    systemd.services.dnsmasq = {
      description = "Names and addresses for a network (dnsmasq)";
      after = [ "network.target" "systemd-resolved.service" ];
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ file ];
      serviceConfig = {
        ExecStartPre = "/usr/sbin/dnsmasq --test -C ${file}";
        ExecStart = "/usr/sbin/dnsmasq -k --user=dnsmasq -C ${file}";
        ExecReload = "/bin/kill -HUP $MAINPID";
        PrivateTmp = true;
        ProtectSystem = true;
        ProtectHome = true;
        Restart = if cfg.alwaysKeepRunning then "always" else "on-failure";
      };
    };
  };
}
