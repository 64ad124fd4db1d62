# The firewall: what other machines may reach.
#
# One nftables table, replaced in one step, whichever language the rest of the configuration
# speaks. extraCommands are run afterwards with Debian's iptables (whose rules are nftables too,
# in tables of their own).
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.networking.firewall;

  canonical = ports: lib.unique (builtins.sort builtins.lessThan ports);
  rangeText = range: "${toString range.from}-${toString range.to}";

  portOptions = {
    allowedTCPPorts = mkOption {
      type = types.listOf types.port;
      default = [ ];
      apply = canonical;
      example = [ 22 80 ];
      description = "TCP ports that may be reached.";
    };
    allowedTCPPortRanges = mkOption {
      type = types.listOf (types.attrsOf types.port);
      default = [ ];
      example = [ { from = 8999; to = 9003; } ];
      description = "Ranges of TCP ports that may be reached.";
    };
    allowedUDPPorts = mkOption {
      type = types.listOf types.port;
      default = [ ];
      apply = canonical;
      example = [ 53 ];
      description = "UDP ports that may be reached.";
    };
    allowedUDPPortRanges = mkOption {
      type = types.listOf (types.attrsOf types.port);
      default = [ ];
      example = [ { from = 60000; to = 61000; } ];
      description = "Ranges of UDP ports that may be reached.";
    };
  };

  portRules = prefix: ports:
    let
      elements = single: ranges: map toString single ++ map rangeText ranges;
      rule = protocol: list: lib.optionalString (list != [ ])
        "    ${prefix}${protocol} dport { ${lib.concatStringsSep ", " list} } accept\n";
    in
    rule "tcp" (elements ports.allowedTCPPorts ports.allowedTCPPortRanges)
    + rule "udp" (elements ports.allowedUDPPorts ports.allowedUDPPortRanges);

  reversePath = cfg.checkReversePath != false;
  loose = cfg.checkReversePath == "loose";
  refuse = if cfg.rejectPackets then "reject with icmpx admin-prohibited" else "drop";
  trusted = lib.concatMapStringsSep ", " (name: ''"${name}"'') cfg.trustedInterfaces;

  rules = pkgs.writeText "firewall-rules" ''
    table inet nixos-fw {
    }
    delete table inet nixos-fw
    table inet nixos-fw {
    ${lib.optionalString reversePath ''
      chain rpfilter {
        type filter hook prerouting priority mangle + 10; policy drop;

        meta nfproto ipv4 udp sport . udp dport { 67 . 68, 68 . 67 } accept comment "DHCPv4 client and server"
        fib saddr . mark${lib.optionalString (!loose) " . iif"} oif exists accept
        jump rpfilter-allow
        ${lib.optionalString cfg.logReversePathDrops ''log level info prefix "rpfilter drop: "''}
      }
      chain rpfilter-allow {
        ${cfg.extraReversePathFilterRules}
      }
    ''}
      chain input {
        type filter hook input priority filter; policy drop;

        iifname { ${trusted} } accept comment "trusted interfaces"
        ct state vmap { invalid : drop, established : accept, related : accept, new : jump input-allow, untracked : jump input-allow }
        ${lib.optionalString cfg.logRefusedConnections ''
          tcp flags syn / fin,syn,rst,ack ${lib.optionalString cfg.logRefusedUnicastsOnly "pkttype host "}log level info prefix "refused connection: "
        ''}
        ${lib.optionalString (cfg.logRefusedPackets && !cfg.logRefusedUnicastsOnly) ''
          pkttype broadcast log level info prefix "refused broadcast: "
          pkttype multicast log level info prefix "refused multicast: "
        ''}
        ${lib.optionalString cfg.logRefusedPackets ''pkttype host log level info prefix "refused packet: "''}
        ${lib.optionalString cfg.rejectPackets ''meta l4proto tcp reject with tcp reset''}
        ${refuse}
      }
      chain input-allow {
    ${portRules "" cfg}${lib.concatStrings (lib.mapAttrsToList (name: ports: portRules ''iifname "${name}" '' ports) cfg.interfaces)}
    ${lib.optionalString cfg.allowPing ''
        icmp type echo-request ${lib.optionalString (cfg.pingLimit != null) "limit rate ${cfg.pingLimit} "}accept comment "allow ping"
    ''}
        icmpv6 type != { nd-redirect, 139 } accept comment "neighbour discovery and the like; not redirects, not node information (RFC 4890)"
        ip6 daddr fe80::/64 udp dport 546 accept comment "DHCPv6 client"
        ${cfg.extraInputRules}
      }
    ${lib.optionalString cfg.filterForward ''
      chain forward {
        type filter hook forward priority filter; policy drop;

        ct state vmap { invalid : drop, established : accept, related : accept, new : jump forward-allow, untracked : jump forward-allow }
      }
      chain forward-allow {
        icmpv6 type != { router-renumbering, 139 } accept comment "RFC 4890, section 4.3"
        ct status dnat accept comment "forwarded ports"
        ${cfg.extraForwardRules}
      }
    ''}
    }
  '';

  usesIptables = cfg.extraCommands != "" || cfg.extraStopCommands != "";
  start = pkgs.writeShellScript "firewall-start" ''
    set -e
    /usr/sbin/nft -f ${rules}
    ${lib.optionalString (cfg.extraCommands != "") ''
      # The helper that NixOS's own scripts use for both families.
      ip46tables() { iptables -w "$@"; ${lib.optionalString config.networking.enableIPv6 ''ip6tables -w "$@"''}; }
      export PATH=/usr/sbin:/usr/bin:/sbin:/bin
      ${cfg.extraCommands}
    ''}
  '';
  stop = pkgs.writeShellScript "firewall-stop" ''
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin
    ip46tables() { iptables -w "$@"; ip6tables -w "$@"; }
    ${cfg.extraStopCommands}
    nft 'table inet nixos-fw { }; delete table inet nixos-fw'
  '';
in

{
  options.networking.firewall = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether incoming connections are refused unless allowed.";
    };
    package = lib.mkPackageOption pkgs "nftables" { };
    backend = mkOption {
      type = types.enum [ "nftables" "iptables" ];
      default = "nftables";
      description = "Accepted for compatibility: the rules are always nftables'.";
    };
    logRefusedConnections = mkOption {
      type = types.bool;
      default = false;
      description = "Whether refused connections are logged.";
    };
    logRefusedPackets = mkOption {
      type = types.bool;
      default = false;
      description = "Whether all refused packets are logged.";
    };
    logRefusedUnicastsOnly = mkOption {
      type = types.bool;
      default = true;
      description = "Whether only packets to this machine are logged.";
    };
    rejectPackets = mkOption {
      type = types.bool;
      default = false;
      description = "Whether refused packets are answered instead of dropped.";
    };
    trustedInterfaces = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "enp0s2" ];
      description = "Interfaces from which everything is accepted; the loopback always is.";
    };
    allowPing = mkOption {
      type = types.bool;
      default = true;
      description = "Whether pings are answered.";
    };
    pingLimit = mkOption {
      type = types.nullOr (types.separatedString " ");
      default = null;
      example = "1/second burst 5 packets";
      description = "Limit of answered pings, in the language of nft(8).";
    };
    checkReversePath = mkOption {
      type = types.either types.bool (types.enum [ "strict" "loose" ]);
      default = true;
      example = "loose";
      description = ''
        Whether packets are dropped that come by another interface than answers to them would go.
      '';
    };
    logReversePathDrops = mkOption {
      type = types.bool;
      default = false;
      description = "Whether such packets are logged.";
    };
    filterForward = mkOption {
      type = types.bool;
      default = false;
      description = "Whether forwarded packets are refused unless allowed.";
    };
    connectionTrackingModules = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "ftp" ];
      description = "Helpers of connection tracking that are loaded.";
    };
    autoLoadConntrackHelpers = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility.";
    };
    extraPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages whose programs the extra commands use.";
    };
    extraCommands = mkOption {
      type = types.lines;
      default = "";
      example = "iptables -A INPUT -p icmp -j ACCEPT";
      description = "Commands run after the rules are loaded.";
    };
    extraStopCommands = mkOption {
      type = types.lines;
      default = "";
      description = "Commands run before the rules are removed.";
    };
    extraInputRules = mkOption {
      type = types.lines;
      default = "";
      example = "ip6 saddr { fc00::/7, fe80::/10 } tcp dport 24800 accept";
      description = "Rules for incoming packets, in the language of nft(8).";
    };
    extraForwardRules = mkOption {
      type = types.lines;
      default = "";
      description = "Rules for forwarded packets.";
    };
    extraReversePathFilterRules = mkOption {
      type = types.lines;
      default = "";
      description = "Rules for packets that fail the reverse path check.";
    };
    interfaces = mkOption {
      type = types.attrsOf (types.submodule { options = portOptions; });
      default = { };
      example = { enp0s2.allowedTCPPorts = [ 22 ]; };
      description = "Ports that may be reached by one interface only.";
    };
  } // portOptions;

  config = mkIf cfg.enable {
    networking.firewall.trustedInterfaces = [ "lo" ];

    environment.systemPackages = [ cfg.package ] ++ lib.optional usesIptables pkgs.iptables ++ cfg.extraPackages;
    boot.kernelModules = map (name: "nf_conntrack_${name}") cfg.connectionTrackingModules;

    systemd.services.firewall = {
      description = "Firewall";
      wantedBy = [ "sysinit.target" ];
      wants = [ "network-pre.target" ];
      after = [ "systemd-modules-load.service" "nftables.service" ];
      before = [ "network-pre.target" "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      reloadIfChanged = true;
      unitConfig = {
        ConditionCapability = "CAP_NET_ADMIN";
        DefaultDependencies = false;
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = toString start;
        ExecReload = toString start;
        ExecStop = toString stop;
      };
    };
  };
}
