# Network address translation: this machine stands between a network and the outside.
#
# One nftables table beside the firewall's, replaced in one step.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.networking.nat;

  quoted = list: lib.concatMapStringsSep ", " (name: ''"${name}"'') list;
  outgoing = lib.optionalString (cfg.externalInterface != null) ''oifname "${cfg.externalInterface}" '';
  incoming = lib.optionalString (cfg.externalInterface != null) ''iifname "${cfg.externalInterface}" '';
  translate = address: if address == null then "masquerade" else "snat to ${address}";
  isIpv6 = text: lib.hasInfix "[" text || builtins.length (lib.splitString ":" text) > 2;

  # Packets of inner interfaces are marked when they come in, since on the way out only the mark
  # still tells where they came from.
  family = name: address: ips: forwards: ''
    table ${name} nixos-nat
    delete table ${name} nixos-nat
    table ${name} nixos-nat {
      chain pre {
        type nat hook prerouting priority dstnat;
        ${lib.optionalString (cfg.internalInterfaces != [ ]) "iifname { ${quoted cfg.internalInterfaces} } meta mark set 1"}
        ${lib.concatMapStringsSep "\n    " (forward:
          "${incoming}${forward.proto} dport ${toString forward.sourcePort} dnat to ${forward.destination}") forwards}
      }
      chain post {
        type nat hook postrouting priority srcnat;
        ${lib.optionalString (cfg.internalInterfaces != [ ]) "${outgoing}meta mark 1 ${translate address}"}
        ${lib.concatMapStringsSep "\n    " (network: "${outgoing}${name} saddr ${network} ${translate address}") ips}
      }
    }
  '';
  forwards4 = lib.filter (forward: !(isIpv6 forward.destination)) cfg.forwardPorts;
  forwards6 = lib.filter (forward: isIpv6 forward.destination) cfg.forwardPorts;
  rules = pkgs.writeText "nat-rules" (
    family "ip" cfg.externalIP cfg.internalIPs forwards4
    + lib.optionalString cfg.enableIPv6 (family "ip6" cfg.externalIPv6 cfg.internalIPv6s forwards6));
in

{
  options.networking.nat = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether packets of inner networks leave under this machine's address.";
    };
    enableIPv6 = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the same is done for IPv6.";
    };
    internalInterfaces = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "eth0" ];
      description = "Interfaces of the inner networks.";
    };
    internalIPs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.168.1.0/24" ];
      description = "Inner IPv4 networks.";
    };
    internalIPv6s = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "fc00::/64" ];
      description = "Inner IPv6 networks.";
    };
    externalInterface = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "eth1";
      description = "Interface to the outside; null for any.";
    };
    externalIP = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "IPv4 address packets leave under; null for that of the interface.";
    };
    externalIPv6 = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "IPv6 address packets leave under; null for that of the interface.";
    };
    forwardPorts = mkOption {
      default = [ ];
      example = [ { sourcePort = 8080; destination = "10.0.0.1:80"; proto = "tcp"; } ];
      description = "Ports from outside that lead to inner machines.";
      type = types.listOf (types.submodule {
        options = {
          sourcePort = mkOption {
            type = types.either types.int (types.strMatching "[[:digit:]]+:[[:digit:]]+");
            apply = port: lib.replaceStrings [ ":" ] [ "-" ] (toString port);
            description = "Port, or range of ports with a colon, outside.";
          };
          destination = mkOption {
            type = types.str;
            example = "10.0.0.1:80";
            description = "Inner address, with its port.";
          };
          proto = mkOption {
            type = types.enum [ "tcp" "udp" ];
            default = "tcp";
            description = "Protocol.";
          };
        };
      });
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.forwardPorts == [ ] || cfg.externalInterface != null;
        message = "networking.nat.forwardPorts needs networking.nat.externalInterface.";
      }
      {
        assertion = cfg.enableIPv6 || forwards6 == [ ];
        message = "networking.nat.forwardPorts has IPv6 destinations, but networking.nat.enableIPv6 is false.";
      }
    ];
    environment.systemPackages = [ pkgs.nftables ];
    boot.kernel.sysctl = {
      "net.ipv4.conf.all.forwarding" = lib.mkOverride 99 true;
      "net.ipv4.conf.default.forwarding" = lib.mkOverride 99 true;
    }
    // lib.optionalAttrs cfg.enableIPv6 {
      "net.ipv6.conf.all.forwarding" = lib.mkOverride 99 true;
      "net.ipv6.conf.default.forwarding" = lib.mkOverride 99 true;
    };
    systemd.services.nat = {
      description = "Network address translation";
      wantedBy = [ "network.target" ];
      wants = [ "network-pre.target" ];
      before = [ "network-pre.target" ];
      after = [ "systemd-modules-load.service" "firewall.service" ];
      reloadIfChanged = true;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/usr/sbin/nft -f ${rules}";
        ExecReload = "/usr/sbin/nft -f ${rules}";
        ExecStop = "/usr/sbin/nft 'table ip nixos-nat; delete table ip nixos-nat; table ip6 nixos-nat; delete table ip6 nixos-nat'";
      };
    };
  };
}
