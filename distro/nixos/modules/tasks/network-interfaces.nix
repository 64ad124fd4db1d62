# The machine's name, its interfaces and how they get addresses.
#
# The options are NixOS's; systemd-networkd carries them out in every case (network-interfaces-
# systemd.nix), so networking.useNetworkd is on by default and the scripted way does not exist.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption mkIf mkDefault types;
  cfg = config.networking;

  addressOptions = bits: {
    options = {
      address = mkOption {
        type = types.str;
        description = "IPv${if bits == 32 then "4" else "6"} address.";
      };
      prefixLength = mkOption {
        type = types.addCheck types.int (n: n >= 0 && n <= bits);
        description = "Length of the subnet's prefix in bits.";
      };
    };
  };
  routeOptions = bits: {
    options = {
      address = mkOption { type = types.str; description = "Destination network."; };
      prefixLength = mkOption {
        type = types.addCheck types.int (n: n >= 0 && n <= bits);
        description = "Length of the destination's prefix in bits.";
      };
      type = mkOption {
        type = types.nullOr (types.enum [ "unicast" "local" "broadcast" "multicast" ]);
        default = null;
        description = "Kind of the route.";
      };
      via = mkOption { type = types.nullOr types.str; default = null; description = "Next hop."; };
      options = mkOption {
        type = types.attrsOf types.str;
        default = { };
        description = "Further options: metric, src, mtu, table, scope, onlink …";
      };
    };
  };

  gatewayType = types.coercedTo types.str (address: { inherit address; }) (types.submodule {
    options = {
      address = mkOption { type = types.str; description = "Address of the gateway."; };
      interface = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Interface towards it.";
      };
      metric = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "Metric of the route.";
      };
      source = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Source address.";
      };
    };
  });

  interfaceModule = { name, config, ... }: {
    options = {
      name = mkOption {
        type = types.str;
        example = "eth0";
        description = "Name of the interface.";
      };
      tempAddress = mkOption {
        type = types.enum [ "default" "enabled" "disabled" ];
        default = cfg.tempAddresses;
        defaultText = lib.literalExpression "config.networking.tempAddresses";
        description = "Whether temporary IPv6 addresses are used.";
      };
      useDHCP = mkOption {
        type = types.nullOr types.bool;
        default = null;
        description = ''
          Whether addresses come from DHCP; null means {option}`networking.useDHCP`, unless the
          interface has fixed IPv4 addresses.
        '';
      };
      ipv4.addresses = mkOption {
        type = types.listOf (types.submodule (addressOptions 32));
        default = [ ];
        example = [ { address = "10.0.0.1"; prefixLength = 16; } ];
        description = "Fixed IPv4 addresses.";
      };
      ipv6.addresses = mkOption {
        type = types.listOf (types.submodule (addressOptions 128));
        default = [ ];
        description = "Fixed IPv6 addresses.";
      };
      ipv4.routes = mkOption {
        type = types.listOf (types.submodule (routeOptions 32));
        default = [ ];
        description = "IPv4 routes.";
      };
      ipv6.routes = mkOption {
        type = types.listOf (types.submodule (routeOptions 128));
        default = [ ];
        description = "IPv6 routes.";
      };
      macAddress = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Hardware address to set.";
      };
      mtu = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "Greatest packet size.";
      };
      virtual = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the interface is made (tun or tap).";
      };
      virtualType = mkOption {
        type = types.enum [ "tun" "tap" ];
        default = if lib.hasPrefix "tun" config.name then "tun" else "tap";
        defaultText = lib.literalExpression ''if hasPrefix "tun" name then "tun" else "tap"'';
        description = "Kind of a virtual interface.";
      };
      virtualOwner = mkOption {
        type = types.nullOr types.str;
        default = "root";
        description = "Owner of a virtual interface.";
      };
      proxyARP = mkOption {
        type = types.bool;
        default = false;
        description = "Whether ARP requests are answered for others.";
      };
      wakeOnLan = {
        enable = lib.mkEnableOption "waking the machine over the network";
        policy = mkOption {
          type = types.listOf (types.enum [ "phy" "unicast" "multicast" "broadcast" "arp" "magic" "secureon" ]);
          default = [ "magic" ];
          description = "What wakes the machine.";
        };
      };
    };
    config.name = mkDefault name;
  };

  # "0123abcd" → the four bytes as hostid(1) reads them.
  isHostId = value: builtins.match "[0-9a-fA-F]{8}" value != null;
in

{
  imports = [
    (lib.mkRemovedOptionModule [ "networking" "dhcpcd" "denyInterfaces" ] "Addresses come from systemd-networkd; see systemd.network.networks")
  ];

  options.networking = {
    hostName = mkOption {
      default = config.system.nixos.distroId or "nixos";
      defaultText = lib.literalExpression "config.system.nixos.distroId";
      # RFC 1123, section 2.1; empty for a name given by DHCP.
      type = types.strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$";
      description = "Name of the machine, without its domain; empty to take it from DHCP.";
    };
    fqdn = mkOption {
      readOnly = true;
      type = types.str;
      default =
        if cfg.hostName != "" && cfg.domain != null then "${cfg.hostName}.${cfg.domain}"
        else throw "networking.fqdn needs networking.hostName and networking.domain";
      defaultText = lib.literalExpression ''"''${networking.hostName}.''${networking.domain}"'';
      description = "Full name of the machine.";
    };
    fqdnOrHostName = mkOption {
      readOnly = true;
      type = types.str;
      default = if cfg.domain == null then cfg.hostName else cfg.fqdn;
      defaultText = lib.literalExpression "fqdn if there is a domain, else hostName";
      description = "Full name of the machine if it has a domain, else its name.";
    };
    hostId = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "4e98920d";
      description = "Eight hexadecimal digits that tell this machine from others (ZFS needs them).";
    };
    domain = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "home.arpa";
      description = "Domain of the machine.";
    };
    nameservers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "130.161.158.4" ];
      description = "Name servers, besides those that DHCP tells.";
    };
    search = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "example.com" ];
      description = "Domains tried for short names.";
    };
    useDHCP = mkOption {
      type = types.bool;
      default = true;
      description = "Whether all Ethernet and wireless interfaces get their addresses by DHCP.";
    };
    useNetworkd = mkOption {
      type = types.bool;
      default = !cfg.networkmanager.enable;
      defaultText = lib.literalExpression "!config.networking.networkmanager.enable";
      description = "Whether systemd-networkd carries out the options of interfaces.";
    };
    useHostResolvConf = mkOption {
      type = types.bool;
      default = false;
      internal = true;
      description = "Accepted for compatibility.";
    };
    usePredictableInterfaceNames = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether interfaces are named by their place (enp3s0) instead of by order (eth0).
      '';
    };
    localCommands = mkOption {
      type = types.lines;
      default = "";
      description = "Commands run after the interfaces are set up.";
    };
    interfaces = mkOption {
      type = types.attrsOf (types.submodule interfaceModule);
      default = { };
      example = { eth0.ipv4.addresses = [ { address = "131.211.84.78"; prefixLength = 25; } ]; };
      description = "Network interfaces, by name.";
    };
    defaultGateway = mkOption {
      type = types.nullOr gatewayType;
      default = null;
      example = { address = "131.211.84.1"; interface = "enp3s0"; };
      description = "IPv4 gateway: an address, or an address with its interface.";
    };
    defaultGateway6 = mkOption {
      type = types.nullOr gatewayType;
      default = null;
      description = "IPv6 gateway.";
    };
    defaultGatewayWindowSize = mkOption {
      type = types.nullOr types.int;
      default = null;
      description = "Accepted for compatibility.";
    };
    tempAddresses = mkOption {
      type = types.enum [ "default" "enabled" "disabled" ];
      default = if cfg.enableIPv6 then "default" else "disabled";
      defaultText = lib.literalExpression ''if enableIPv6 then "default" else "disabled"'';
      description = "Whether temporary IPv6 addresses are used.";
    };
    bridges = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          interfaces = mkOption {
            type = types.listOf types.str;
            description = "Interfaces of the bridge.";
          };
          rstp = mkOption {
            type = types.bool;
            default = false;
            description = "Whether the rapid spanning tree protocol runs.";
          };
        };
      });
      default = { };
      example = { br0.interfaces = [ "eth0" "eth1" ]; };
      description = "Bridges.";
    };
    bonds = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          interfaces = mkOption {
            type = types.listOf types.str;
            example = [ "eth0" "eth1" ];
            description = "Interfaces of the bond.";
          };
          driverOptions = mkOption {
            type = types.attrsOf types.str;
            default = { };
            example = { mode = "802.3ad"; miimon = "100"; };
            description = "Options of the bonding driver, by the kernel's names.";
          };
        };
      });
      default = { };
      description = "Bonds.";
    };
    vlans = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          id = mkOption { type = types.int; description = "Number of the virtual network."; };
          interface = mkOption { type = types.str; description = "Interface it runs on."; };
        };
      });
      default = { };
      example = { vlan0 = { id = 3; interface = "enp3s0"; }; };
      description = "Virtual networks.";
    };
    macvlans = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          interface = mkOption { type = types.str; description = "Interface it runs on."; };
          mode = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "vepa, bridge, private or passthru.";
          };
        };
      });
      default = { };
      description = "Interfaces with hardware addresses of their own on another interface.";
    };
    dhcpcd = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Accepted for compatibility: networkd speaks DHCP itself.";
      };
      persistent = mkOption {
        type = types.bool;
        default = false;
        description = "Accepted for compatibility.";
      };
      wait = mkOption {
        type = types.str;
        default = "any";
        description = "Accepted for compatibility.";
      };
      extraConfig = mkOption {
        type = types.lines;
        default = "";
        description = "Accepted for compatibility.";
      };
    };
  };

  config = {
    assertions = [
      {
        assertion = cfg.hostId == null || isHostId cfg.hostId;
        message = "networking.hostId must be eight hexadecimal digits, but is '${toString cfg.hostId}'.";
      }
      {
        assertion = !(cfg.useNetworkd && cfg.networkmanager.enable);
        message = "networking.useNetworkd and networking.networkmanager.enable would both set up the interfaces; choose one.";
      }
    ]
    ++ lib.mapAttrsToList (name: interface: {
      # 15 characters are what the kernel keeps of a name.
      assertion = builtins.stringLength interface.name <= 15;
      message = "The interface name '${interface.name}' is longer than 15 characters.";
    }) cfg.interfaces;

    environment.etc.hostname = mkIf (cfg.hostName != "") { text = cfg.hostName + "\n"; };
    system.activationScripts.hostname = mkIf (cfg.hostName != "") {
      deps = [ "etc" ];
      text = ''
        # The kernel knows the name before the manager starts; a failure (container) is no harm.
        [ -w /proc/sys/kernel/hostname ] && echo ${lib.escapeShellArg cfg.hostName} >/proc/sys/kernel/hostname || :
      '';
    };
    system.activationScripts.hostid = mkIf (cfg.hostId != null) {
      deps = [ "etc" ];
      text =
        let
          byte = index: "\\x" + builtins.substring (2 * index) 2 (toString cfg.hostId);
        in
        ''
          /usr/bin/printf '${byte 3}${byte 2}${byte 1}${byte 0}' >/etc/hostid
        '';
    };

    boot.kernelParams = lib.optional (!cfg.usePredictableInterfaceNames) "net.ifnames=0";
    boot.kernel.sysctl = {
      "net.ipv6.conf.all.disable_ipv6" = mkDefault (!cfg.enableIPv6);
      "net.ipv6.conf.default.disable_ipv6" = mkDefault (!cfg.enableIPv6);
    };

    environment.systemPackages = [ pkgs.iproute2 pkgs.netbase ]
      ++ lib.optional config.networking.wireless.enable pkgs.iw;

    systemd.services.network-local-commands = mkIf (cfg.localCommands != "") {
      description = "Extra networking commands";
      wantedBy = [ "network.target" ];
      before = [ "network.target" ];
      after = [ "network-pre.target" "systemd-networkd.service" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = toString (pkgs.writeShellScript "network-local-commands" cfg.localCommands);
      };
    };
  };
}
