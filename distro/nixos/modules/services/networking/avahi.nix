# Names of the local network (`printer.local`), looked up by every program.
#
# services.avahi.enable itself is in debian-services.nix. Without settings here, the package's own
# configuration holds.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.avahi;

  module =
    if cfg.nssmdns4 && cfg.nssmdns6 then "mdns"
    else if cfg.nssmdns4 then "mdns4"
    else "mdns6";
  configured = cfg.publish.enable || cfg.hostName != null || !cfg.ipv4 || !cfg.ipv6
    || cfg.allowInterfaces != null || cfg.reflector || cfg.extraConfig != "";
  yes = value: if value then "yes" else "no";
  publishes = value: yes (cfg.publish.enable && value);
  configText = ''
    [server]
    ${lib.optionalString (cfg.hostName != null) "host-name=${cfg.hostName}"}
    ${lib.optionalString (cfg.allowInterfaces != null) "allow-interfaces=${lib.concatStringsSep "," cfg.allowInterfaces}"}
    use-ipv4=${yes cfg.ipv4}
    use-ipv6=${yes cfg.ipv6}
    ratelimit-interval-usec=1000000
    ratelimit-burst=1000

    [publish]
    disable-publishing=${yes (!cfg.publish.enable)}
    disable-user-service-publishing=${yes (!(cfg.publish.enable && cfg.publish.userServices))}
    publish-addresses=${publishes (cfg.publish.addresses || cfg.publish.userServices)}
    publish-hinfo=${publishes cfg.publish.hinfo}
    publish-workstation=${publishes cfg.publish.workstation}
    publish-domain=${publishes cfg.publish.domain}

    [reflector]
    enable-reflector=${yes cfg.reflector}

    ${cfg.extraConfig}
  '';
  resolves = family: mkOption {
    type = types.bool;
    default = false;
    description = "Whether programs look up names of the local network for ${family}.";
  };
in

{
  imports = [ (lib.mkRenamedOptionModule [ "services" "avahi" "nssmdns" ] [ "services" "avahi" "nssmdns4" ]) ];

  options.services.avahi = {
    nssmdns4 = resolves "IPv4";
    nssmdns6 = resolves "IPv6";
    openFirewall = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the firewall lets requests for names of the local network in.";
    };
    hostName = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Name of the machine in the local network; null for its host name.";
    };
    ipv4 = mkOption { type = types.bool; default = true; description = "Whether it speaks IPv4."; };
    ipv6 = mkOption { type = types.bool; default = true; description = "Whether it speaks IPv6."; };
    allowInterfaces = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      description = "Interfaces it uses; null for all.";
    };
    reflector = mkOption { type = types.bool; default = false; description = "Whether requests go from one network to the other."; };
    publish = lib.mapAttrs (_: description: mkOption { type = types.bool; default = false; inherit description; }) {
      enable = "Whether anything about this machine is published.";
      userServices = "Whether users may publish services.";
      addresses = "Whether the machine's addresses are published.";
      hinfo = "Whether processor and system are published.";
      workstation = "Whether the machine is published as a workstation.";
      domain = "Whether the domain is published for others to browse.";
    };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Lines at the end of {file}`avahi-daemon.conf`."; };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."avahi/avahi-daemon.conf" = lib.mkIf configured { text = configText; };
    networking.firewall.allowedUDPPorts = lib.mkIf cfg.openFirewall [ 5353 ];
    # Asked first: systemd-resolved would answer for good, and no name server is to hear of these.
    system.nssDatabases.hosts = lib.mkIf (cfg.nssmdns4 || cfg.nssmdns6) (
      lib.mkBefore [ "${module}_minimal [NOTFOUND=return]" ]
    );
  };
}
