# systemd-networkd: its .network, .netdev and .link files from systemd.network.*.
#
# The sections are free-form: networkd itself refuses an unknown key with a line in the journal,
# and new releases of systemd bring new keys. What is typed are the names of the sections and the
# short forms that NixOS has (DHCP, address, gateway, dns, vlan …).
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.systemd.network;

  atom = types.oneOf [ types.bool types.int types.float types.str types.path ];
  sectionType = types.attrsOf (types.nullOr (types.either atom (types.listOf atom)));
  section = description: mkOption { type = sectionType; default = { }; inherit description; };
  # A list of sections of one kind; NixOS's older spelling { addressConfig = { … }; } is accepted.
  sections = name: description: mkOption {
    type = types.listOf (types.attrsOf types.anything);
    default = [ ];
    apply = map (entry: entry.${name} or entry);
    inherit description;
  };
  names = description: mkOption {
    type = types.listOf types.str;
    default = [ ];
    inherit description;
  };

  valueText = value: if value == true then "true" else if value == false then "false" else toString value;
  lineText = key: value:
    if value == null then ""
    else if builtins.isList value then lib.concatMapStrings (one: "${key}=${valueText one}\n") value
    else "${key}=${valueText value}\n";
  sectionText = header: values:
    lib.optionalString (values != { })
      "[${header}]\n${lib.concatStrings (lib.mapAttrsToList lineText values)}\n";
  sectionsText = header: list: lib.concatMapStrings (sectionText header) list;

  # option name → section header
  plainNetworkSections = {
    linkConfig = "Link";
    dhcpV4Config = "DHCPv4";
    dhcpV6Config = "DHCPv6";
    dhcpPrefixDelegationConfig = "DHCPPrefixDelegation";
    ipv6AcceptRAConfig = "IPv6AcceptRA";
    dhcpServerConfig = "DHCPServer";
    ipv6SendRAConfig = "IPv6SendRA";
    bridgeConfig = "Bridge";
    canConfig = "CAN";
    ipoIBConfig = "IPoIB";
    lldpConfig = "LLDP";
    qdiscConfig = "QDisc";
    networkEmulatorConfig = "NetworkEmulator";
    tokenBucketFilterConfig = "TokenBucketFilter";
    pieConfig = "PIE";
    fairQueueingConfig = "FairQueueing";
    cakeConfig = "CAKE";
  };
  listNetworkSections = {
    addresses = { header = "Address"; old = "addressConfig"; };
    routes = { header = "Route"; old = "routeConfig"; };
    routingPolicyRules = { header = "RoutingPolicyRule"; old = "routingPolicyRuleConfig"; };
    nextHops = { header = "NextHop"; old = "nextHopConfig"; };
    dhcpServerStaticLeases = {
      header = "DHCPServerStaticLease";
      old = "dhcpServerStaticLeaseConfig";
    };
    ipv6Prefixes = { header = "IPv6Prefix"; old = "ipv6PrefixConfig"; };
    ipv6RoutePrefixes = { header = "IPv6RoutePrefix"; old = "ipv6RoutePrefixConfig"; };
    bridgeFDBs = { header = "BridgeFDB"; old = "bridgeFDBConfig"; };
    bridgeMDBs = { header = "BridgeMDB"; old = "bridgeMDBConfig"; };
    bridgeVLANs = { header = "BridgeVLAN"; old = "bridgeVLANConfig"; };
    neighbors = { header = "Neighbor"; old = "neighborConfig"; };
  };
  # Short forms: option name → key in [Network].
  shortKeys = {
    address = "Address";
    gateway = "Gateway";
    dns = "DNS";
    ntp = "NTP";
    domains = "Domains";
    bridge = "Bridge";
    bond = "Bond";
    vrf = "VRF";
    vlan = "VLAN";
    macvlan = "MACVLAN";
    macvtap = "MACVTAP";
    vxlan = "VXLAN";
    tunnel = "Tunnel";
    xfrm = "Xfrm";
  };

  common = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the unit is written.";
    };
    matchConfig = section "Which interfaces the unit is for.";
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Text added to the unit.";
    };
  };

  networkModule = { config, ... }: {
    options = common // {
      name = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Name of the interface; short for matchConfig.Name.";
      };
      DHCP = mkOption {
        type = types.nullOr (types.enum [ "yes" "no" "ipv4" "ipv6" ]);
        default = null;
        description = "Whether addresses come from DHCP.";
      };
      networkConfig = section "The section [Network].";
    }
    // lib.mapAttrs (_: header: section "The section [${header}].") plainNetworkSections
    // lib.mapAttrs (_: kind: sections kind.old "Sections [${kind.header}].") listNetworkSections
    // lib.mapAttrs (_: key: names "Values of ${key} in [Network].") shortKeys;
    config.matchConfig = mkIf (config.name != null) { Name = config.name; };
  };

  networkText = unit:
    sectionText "Match" unit.matchConfig
    + (
      let
        short = lib.filterAttrs (_: list: list != [ ])
          (lib.mapAttrs' (option: key: lib.nameValuePair key unit.${option}) shortKeys);
        dhcp = lib.optionalAttrs (unit.DHCP != null) { DHCP = unit.DHCP; };
        # A key said both ways holds all values.
        joined = lib.zipAttrsWith (_: values: if builtins.length values == 1 then builtins.head values else lib.concatMap lib.toList values)
          [ (dhcp // unit.networkConfig) short ];
      in
      sectionText "Network" joined
    )
    + lib.concatStrings (lib.mapAttrsToList (option: header: sectionText header unit.${option}) plainNetworkSections)
    + lib.concatStrings (lib.mapAttrsToList (option: kind: sectionsText kind.header unit.${option}) listNetworkSections)
    + unit.extraConfig;

  netdevSections = {
    netdevConfig = "NetDev";
    bridgeConfig = "Bridge";
    vlanConfig = "VLAN";
    ipvlanConfig = "IPVLAN";
    ipvtapConfig = "IPVTAP";
    macvlanConfig = "MACVLAN";
    macvtapConfig = "MACVTAP";
    vxlanConfig = "VXLAN";
    tunnelConfig = "Tunnel";
    fooOverUDPConfig = "FooOverUDP";
    peerConfig = "Peer";
    tunConfig = "Tun";
    tapConfig = "Tap";
    l2tpConfig = "L2TP";
    wireguardConfig = "WireGuard";
    bondConfig = "Bond";
    xfrmConfig = "Xfrm";
    vrfConfig = "VRF";
    wlanConfig = "WLAN";
    batmanAdvancedConfig = "BatmanAdvanced";
  };
  netdevModule = {
    options = common
      // lib.mapAttrs (_: header: section "The section [${header}].") netdevSections
      // {
      wireguardPeers = sections "wireguardPeerConfig" "Sections [WireGuardPeer].";
      l2tpSessions = sections "l2tpSessionConfig" "Sections [L2TPSession].";
    };
  };
  netdevText = unit:
    sectionText "Match" unit.matchConfig
    + sectionText "NetDev" unit.netdevConfig
    + lib.concatStrings (lib.mapAttrsToList (option: header: sectionText header unit.${option})
      (builtins.removeAttrs netdevSections [ "netdevConfig" ]))
    + sectionsText "WireGuardPeer" unit.wireguardPeers
    + sectionsText "L2TPSession" unit.l2tpSessions
    + unit.extraConfig;

  linkModule.options = common // { linkConfig = section "The section [Link]."; };
  linkText = unit: sectionText "Match" unit.matchConfig + sectionText "Link" unit.linkConfig + unit.extraConfig;

  files = suffix: text: units: lib.mapAttrs' (name: unit:
    lib.nameValuePair "systemd/network/${name}.${suffix}" { text = text unit; })
    (lib.filterAttrs (_: unit: unit.enable) units);

  waitArguments = cfg.wait-online.extraArgs
    ++ lib.optional cfg.wait-online.anyInterface "--any"
    ++ lib.optional (cfg.wait-online.timeout != 120) "--timeout=${toString cfg.wait-online.timeout}"
    ++ map (name: "--ignore=${name}") cfg.wait-online.ignoredInterfaces;
in

{
  options.systemd.network = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether systemd-networkd runs.";
    };
    config = mkOption {
      default = { };
      description = "Settings of networkd itself (networkd.conf(5)).";
      type = types.submodule {
        options = common // {
          networkConfig = section "The section [Network].";
          dhcpV4Config = section "The section [DHCPv4].";
          dhcpV6Config = section "The section [DHCPv6].";
          addRouteTablesToIPRoute2 = mkOption {
            type = types.bool;
            default = true;
            description = "Whether route table names are known to ip(8) too.";
          };
          routeTables = mkOption {
            type = types.attrsOf types.int;
            default = { };
            example = { foo = 27; };
            description = "Names of route tables.";
          };
        };
      };
    };
    networks = mkOption {
      type = types.attrsOf (types.submodule networkModule);
      default = { };
      description = "Networks: how interfaces are configured.";
    };
    netdevs = mkOption {
      type = types.attrsOf (types.submodule netdevModule);
      default = { };
      description = "Virtual devices.";
    };
    links = mkOption {
      type = types.attrsOf (types.submodule linkModule);
      default = { };
      description = "Low-level settings of interfaces, applied by udev.";
    };
    units = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      internal = true;
      description = "Accepted for compatibility.";
    };
    wait-online = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = ''
          Whether network-online.target waits for networkd. Nothing of the system itself wants
          that target, so a machine without a network does not wait.
        '';
      };
      anyInterface = mkOption {
        type = types.bool;
        default = config.networking.useDHCP;
        defaultText = lib.literalExpression "config.networking.useDHCP";
        description = "Whether one configured interface is enough.";
      };
      ignoredInterfaces = names "Interfaces that are not waited for.";
      timeout = mkOption {
        type = types.ints.unsigned;
        default = 120;
        description = "Seconds to wait; 0 for ever.";
      };
      extraArgs = names "Further arguments of systemd-networkd-wait-online.";
    };
  };

  config = lib.mkMerge [
    # Links are udev's business: they count without networkd as well.
    { environment.etc = files "link" linkText cfg.links; }
    (mkIf cfg.enable {
      environment.etc = files "network" networkText cfg.networks
        // files "netdev" netdevText cfg.netdevs
        // {
        "systemd/networkd.conf".text =
          sectionText "Network" (
            cfg.config.networkConfig
            // lib.optionalAttrs (cfg.config.routeTables != { }) {
              RouteTable = lib.mapAttrsToList (name: number: "${name}:${toString number}") cfg.config.routeTables;
            })
          + sectionText "DHCPv4" cfg.config.dhcpV4Config
          + sectionText "DHCPv6" cfg.config.dhcpV6Config;
      };

      services.resolved.enable = lib.mkDefault true;

      systemd.services.systemd-networkd = {
        overrideStrategy = "asDropin";
        wantedBy = [ "multi-user.target" ];
        aliases = [ "dbus-org.freedesktop.network1.service" ];
        restartIfChanged = false;
      };
      systemd.sockets.systemd-networkd = {
        overrideStrategy = "asDropin";
        wantedBy = [ "sockets.target" ];
      };
      systemd.services.systemd-network-generator = {
        overrideStrategy = "asDropin";
        wantedBy = [ "sysinit.target" ];
      };
      systemd.services.systemd-networkd-wait-online = mkIf cfg.wait-online.enable {
        overrideStrategy = "asDropin";
        wantedBy = [ "network-online.target" ];
        serviceConfig.ExecStart = mkIf (waitArguments != [ ]) [
          ""
          "/usr/lib/systemd/systemd-networkd-wait-online ${lib.escapeShellArgs waitArguments}"
        ];
      };
    })
  ];
}
