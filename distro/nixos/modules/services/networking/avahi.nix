# Names of the local network (`printer.local`), looked up by every program.
#
# services.avahi.enable itself is in debian-services.nix.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.avahi;

  module =
    if cfg.nssmdns4 && cfg.nssmdns6 then "mdns"
    else if cfg.nssmdns4 then "mdns4"
    else "mdns6";
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
  };

  config = lib.mkIf cfg.enable {
    networking.firewall.allowedUDPPorts = lib.mkIf cfg.openFirewall [ 5353 ];
    # Asked first: systemd-resolved would answer for good, and no name server is to hear of these.
    system.nssDatabases.hosts = lib.mkIf (cfg.nssmdns4 || cfg.nssmdns6) (
      lib.mkBefore [ "${module}_minimal [NOTFOUND=return]" ]
    );
  };
}
