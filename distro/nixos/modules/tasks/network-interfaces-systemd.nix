# networking.* → units of systemd-networkd.
{ config, lib, ... }:

let
  inherit (lib) mkIf mkDefault mkForce mkMerge;
  cfg = config.networking;
  yesNo = value: if value then "yes" else "no";
  interfaces = builtins.attrValues cfg.interfaces;

  prefixed = address: "${address.address}/${toString address.prefixLength}";

  # The names that `ip route` uses → those of networkd.
  routeKeys = {
    metric = "Metric";
    src = "PreferredSource";
    mtu = "MTUBytes";
    table = "Table";
    scope = "Scope";
    protocol = "Protocol";
    from = "Source";
    initcwnd = "InitialCongestionWindow";
    initrwnd = "InitialAdvertisedReceiveWindow";
    advmss = "TCPAdvertisedMaximumSegmentSize";
    pref = "IPv6Preference";
  };
  routeUnit = route:
    { Destination = prefixed route; }
    // lib.optionalAttrs (route.via != null) { Gateway = route.via; }
    // lib.optionalAttrs (route.type != null) { Type = route.type; }
    // lib.optionalAttrs (route.options ? onlink) { GatewayOnLink = true; }
    // lib.mapAttrs' (key: name: lib.nameValuePair name route.options.${key})
      (lib.filterAttrs (key: _: route.options ? ${key}) routeKeys);

  gatewayNetwork = gateway:
    lib.optionalAttrs (gateway != null && gateway.interface != null) {
      "40-${gateway.interface}" = {
        matchConfig.Name = mkDefault gateway.interface;
        routes = [
          ({ Gateway = gateway.address; }
            // lib.optionalAttrs (gateway.metric != null) { Metric = gateway.metric; }
            // lib.optionalAttrs (gateway.source != null) { PreferredSource = gateway.source; })
        ];
      };
    };

  usesDhcp = interface:
    if interface.useDHCP != null then interface.useDHCP
    else cfg.useDHCP && interface.ipv4.addresses == [ ];

  interfaceNetwork = interface: {
    "40-${interface.name}" = {
      matchConfig.Name = mkDefault interface.name;
      DHCP = mkDefault (yesNo (usesDhcp interface));
      address = map prefixed (interface.ipv4.addresses ++ lib.optionals cfg.enableIPv6 interface.ipv6.addresses);
      routes = map routeUnit (interface.ipv4.routes ++ lib.optionals cfg.enableIPv6 interface.ipv6.routes);
      networkConfig = {
        IPv6PrivacyExtensions =
          if interface.tempAddress == "enabled" then "yes"
          else if interface.tempAddress == "disabled" then "no"
          else "kernel";
      }
      // lib.optionalAttrs (!cfg.enableIPv6) { LinkLocalAddressing = "ipv4"; IPv6AcceptRA = false; }
      // lib.optionalAttrs interface.proxyARP { IPv4ProxyARP = true; };
      linkConfig =
        lib.optionalAttrs (interface.macAddress != null) { MACAddress = interface.macAddress; }
        // lib.optionalAttrs (interface.mtu != null) { MTUBytes = toString interface.mtu; };
    };
  };

  # Every physical interface that no other unit names.
  genericNetworks = mkIf cfg.useDHCP {
    "99-ethernet-default-dhcp" = {
      matchConfig = { Type = "ether"; Kind = "!*"; };
      DHCP = "yes";
      networkConfig.IPv6PrivacyExtensions = "kernel";
    };
    "99-wireless-client-dhcp" = {
      matchConfig.WLANInterfaceType = "station";
      DHCP = "yes";
      networkConfig.IPv6PrivacyExtensions = "kernel";
      # One more than the default, so that a cable is preferred.
      dhcpV4Config.RouteMetric = 1025;
      ipv6AcceptRAConfig.RouteMetric = 1025;
    };
  };

  member = attribute: name: interface: {
    "40-${interface}" = {
      matchConfig.Name = mkDefault interface;
      DHCP = mkForce "no";
      networkConfig = { ${attribute} = name; LinkLocalAddressing = mkDefault "no"; };
    };
  };
  members = attribute: name: list: mkMerge (map (member attribute name) list);

  bondKeys = {
    mode = value: { Mode = value; };
    xmit_hash_policy = value: { TransmitHashPolicy = value; };
    lacp_rate = value: { LACPTransmitRate = value; };
    miimon = value: { MIIMonitorSec = "${value}ms"; };
    updelay = value: { UpDelaySec = "${value}ms"; };
    downdelay = value: { DownDelaySec = "${value}ms"; };
    lp_interval = value: { LearnPacketIntervalSec = value; };
    ad_select = value: { AdSelect = value; };
    fail_over_mac = value: { FailOverMACPolicy = value; };
    arp_validate = value: { ARPValidate = value; };
    arp_interval = value: { ARPIntervalSec = "${value}ms"; };
    arp_ip_target = value: { ARPIPTargets = value; };
    arp_all_targets = value: { ARPAllTargets = value; };
    primary_reselect = value: { PrimaryReselectPolicy = value; };
    resend_igmp = value: { ResendIGMP = value; };
    packets_per_slave = value: { PacketsPerSlave = value; };
    num_grat_arp = value: { GratuitousARP = value; };
    all_slaves_active = value: { AllSlavesActive = value; };
    min_links = value: { MinLinks = value; };
  };
  bondConfig = bond: lib.foldl' (found: key:
    found // (bondKeys.${key} or (_: throw "networking.bonds: networkd has no setting for the driver option '${key}'"))
      bond.driverOptions.${key}) { } (builtins.attrNames bond.driverOptions);

  netdev = kind: name: extra: {
    "40-${name}" = { netdevConfig = { Name = name; Kind = kind; }; } // extra;
  };
in

{
  config = mkIf cfg.useNetworkd {
    assertions = [
      {
        assertion = cfg.defaultGateway == null || cfg.defaultGateway.interface != null;
        message = ''networking.defaultGateway needs its interface: { address = "…"; interface = "eth0"; }.'';
      }
      {
        assertion = cfg.defaultGateway6 == null || cfg.defaultGateway6.interface != null;
        message = ''networking.defaultGateway6 needs its interface: { address = "…"; interface = "eth0"; }.'';
      }
    ]
    ++ lib.mapAttrsToList (name: bridge: {
      assertion = !bridge.rstp;
      message = "networking.bridges.${name}.rstp is not supported by networkd.";
    }) cfg.bridges;

    systemd.network = {
      enable = true;
      links = mkMerge (map (interface: mkIf interface.wakeOnLan.enable {
        "40-${interface.name}" = {
          matchConfig.OriginalName = interface.name;
          linkConfig.WakeOnLan = lib.concatStringsSep " " interface.wakeOnLan.policy;
        };
      }) interfaces);
      netdevs = mkMerge (
        map (interface: mkIf interface.virtual (netdev interface.virtualType interface.name {
          "${interface.virtualType}Config" = lib.optionalAttrs (interface.virtualOwner != null) { User = interface.virtualOwner; };
        })) interfaces
        ++ lib.mapAttrsToList (name: _: netdev "bridge" name { }) cfg.bridges
        ++ lib.mapAttrsToList (name: bond: netdev "bond" name { bondConfig = bondConfig bond; }) cfg.bonds
        ++ lib.mapAttrsToList (name: vlan: netdev "vlan" name { vlanConfig.Id = vlan.id; }) cfg.vlans
        ++ lib.mapAttrsToList (name: macvlan: netdev "macvlan" name {
          macvlanConfig = lib.optionalAttrs (macvlan.mode != null) { Mode = macvlan.mode; };
        }) cfg.macvlans
      );
      networks = mkMerge (
        [ genericNetworks (gatewayNetwork cfg.defaultGateway) (gatewayNetwork cfg.defaultGateway6) ]
        ++ map interfaceNetwork interfaces
        ++ lib.mapAttrsToList (name: bridge: members "Bridge" name bridge.interfaces) cfg.bridges
        ++ lib.mapAttrsToList (name: bond: members "Bond" name bond.interfaces) cfg.bonds
        ++ lib.mapAttrsToList (name: vlan: {
          "40-${vlan.interface}" = {
            matchConfig.Name = mkDefault vlan.interface;
            vlan = [ name ];
          };
        }) cfg.vlans
        ++ lib.mapAttrsToList (name: macvlan: {
          "40-${macvlan.interface}" = {
            matchConfig.Name = mkDefault macvlan.interface;
            macvlan = [ name ];
          };
        }) cfg.macvlans
      );
    };
  };
}
