# networking.*, systemd.network.*, the firewall, the SSH server.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  config = configuration: (evaluate [ configuration ]).config;
  etc = name: configuration: (config configuration).environment.etc.${name}.text;
  network = name: etc "systemd/network/${name}";
  inherit (lib) hasInfix;
  toplevel = configuration: (config configuration).system.build.toplevel.drvPath;
  rules = configuration: (config configuration).systemd.services.firewall.serviceConfig.ExecStart;
in
{
  genericDhcp = {
    expr = network "99-ethernet-default-dhcp.network" { };
    expected = "[Match]\nKind=!*\nType=ether\n\n[Network]\nDHCP=yes\nIPv6PrivacyExtensions=kernel\n\n";
  };
  noDhcp = { expr = (config { networking.useDHCP = false; }).environment.etc ? "systemd/network/99-ethernet-default-dhcp.network"; expected = false; };
  fixedAddress = {
    expr = network "40-eth0.network" {
      networking.interfaces.eth0 = { ipv4.addresses = [ { address = "10.0.0.2"; prefixLength = 24; } ]; mtu = 9000; };
      networking.defaultGateway = { address = "10.0.0.1"; interface = "eth0"; };
    };
    expected = "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.0.2/24\nDHCP=no\nIPv6PrivacyExtensions=kernel\n\n[Link]\nMTUBytes=9000\n\n[Route]\nGateway=10.0.0.1\n\n";
  };
  interfaceRoutes = {
    expr = hasInfix "[Route]\nDestination=192.0.2.0/24\nGateway=10.0.0.9\nMetric=5\n" (network "40-eth0.network" {
      networking.interfaces.eth0.ipv4.routes = [ { address = "192.0.2.0"; prefixLength = 24; via = "10.0.0.9"; options.metric = "5"; } ];
    });
    expected = true;
  };
  vlanOfBond = {
    expr =
      let
        c = config { networking = { vlans.v3 = { id = 3; interface = "bond0"; }; bonds.bond0 = { interfaces = [ "a" "b" ]; driverOptions = { mode = "802.3ad"; miimon = "100"; }; }; }; };
        text = name: c.environment.etc."systemd/network/${name}".text;
      in
      [ (text "40-v3.netdev") (hasInfix "[Bond]\nMIIMonitorSec=100ms\nMode=802.3ad\n" (text "40-bond0.netdev")) (hasInfix "VLAN=v3" (text "40-bond0.network")) (hasInfix "Bond=bond0" (text "40-a.network")) ];
    expected = [ "[NetDev]\nKind=vlan\nName=v3\n\n[VLAN]\nId=3\n\n" true true true ];
  };
  bondUnknownOption = {
    expr = etc "systemd/network/40-b.netdev" { networking.bonds.b = { interfaces = [ ]; driverOptions.primary_x = "y"; }; };
    expectedError = "networkd has no setting for the driver option 'primary_x'";
  };
  networkUnit = {
    expr = network "10-lan.network" {
      systemd.network.networks."10-lan" = {
        name = "en*";
        DHCP = "ipv4";
        dns = [ "1.1.1.1" "9.9.9.9" ];
        networkConfig = { IPv6AcceptRA = false; DNS = "8.8.8.8"; };
        addresses = [ { Address = "10.0.0.2/24"; } { addressConfig.Address = "10.0.0.3/24"; } ];
      };
    };
    expected = "[Match]\nName=en*\n\n[Network]\nDHCP=ipv4\nDNS=8.8.8.8\nDNS=1.1.1.1\nDNS=9.9.9.9\nIPv6AcceptRA=false\n\n[Address]\nAddress=10.0.0.2/24\n\n[Address]\nAddress=10.0.0.3/24\n\n";
  };
  waitOnline = {
    expr = let s = (config { systemd.network.wait-online.timeout = 10; }).systemd.services.systemd-networkd-wait-online; in [ s.wantedBy s.serviceConfig.ExecStart ];
    expected = [ [ "network-online.target" ] [ "" "/usr/lib/systemd/systemd-networkd-wait-online --any '--timeout=10'" ] ];
  };
  hostName = { expr = let c = config { networking = { hostName = "box"; domain = "example.org"; }; }; in [ c.environment.etc.hostname.text c.networking.fqdn (hasInfix "127.0.1.1 box.example.org box\n" c.environment.etc.hosts.text) ]; expected = [ "box\n" "box.example.org" true ]; };
  badHostName = { expr = (config { networking.hostName = "a.b"; }).networking.hostName; expectedError = "networking.hostName"; };
  badHostId = { expr = toplevel { networking.hostId = "xyz"; }; expectedError = "networking.hostId must be eight hexadecimal digits, but is 'xyz'"; };
  hostIdBytes = { expr = hasInfix "printf '\\x0d\\x92\\x98\\x4e'" (config { networking.hostId = "4e98920d"; }).system.activationScripts.hostid.text; expected = true; };
  gatewayWithoutInterface = { expr = toplevel { networking.defaultGateway = "10.0.0.1"; }; expectedError = "networking.defaultGateway needs its interface"; };
  twoManagers = { expr = toplevel { networking.networkmanager.enable = true; networking.useNetworkd = true; }; expectedError = "networking.useNetworkd and networking.networkmanager.enable would both"; };
  networkManager = {
    expr = let c = config { networking.networkmanager.enable = true; }; in [ c.systemd.network.enable (hasInfix "[main]\ndhcp=internal\ndns=systemd-resolved\n" c.environment.etc."NetworkManager/NetworkManager.conf".text) ];
    expected = [ false true ];
  };
  proxy = { expr = let v = (config { networking.proxy.default = "http://p:1"; networking.proxy.noProxy = "localhost"; }).environment.sessionVariables; in [ v.http_proxy v.https_proxy v.no_proxy ]; expected = [ "http://p:1" "http://p:1" "localhost" ]; };
  hosts = { expr = hasInfix "192.0.2.1 a b\n" (etc "hosts" { networking.hosts."192.0.2.1" = [ "a" "b" ]; }); expected = true; };
  localhostElsewhere = { expr = toplevel { networking.hosts."192.0.2.1" = [ "localhost" ]; }; expectedError = "gives the name localhost to another address"; };
  stubResolver = { expr = let e = (config { }).environment.etc."resolv.conf"; in [ e.source e.mode ]; expected = [ "/run/systemd/resolve/stub-resolv.conf" "direct-symlink" ]; };
  nameServers = { expr = etc "systemd/resolved.conf" { networking.nameservers = [ "1.1.1.1" ]; networking.search = [ "lan" ]; services.resolved.fallbackDns = [ ]; }; expected = "[Resolve]\nDNS=1.1.1.1\nDNSOverTLS=false\nDNSSEC=false\nDomains=lan\nFallbackDNS=\nLLMNR=true\n"; };
  plainResolvConf = {
    expr = etc "resolv.conf" { services.resolved.enable = false; networking.nameservers = [ "192.0.2.53" ]; };
    expected = "nameserver 192.0.2.53\noptions edns0\n";
  };
  nameSwitch = { expr = builtins.filter (lib.hasPrefix "hosts:") (lib.splitString "\n" (etc "nsswitch.conf" { })); expected = [ "hosts:     resolve [!UNAVAIL=return] files myhostname dns" ]; };

  firewallOpens = { expr = (config { services.openssh.enable = true; services.openssh.ports = [ 22 2222 ]; networking.firewall.allowedTCPPorts = [ 80 22 ]; }).networking.firewall.allowedTCPPorts; expected = [ 22 80 2222 ]; };
  firewallClosed = { expr = (config { services.openssh = { enable = true; openFirewall = false; }; }).networking.firewall.allowedTCPPorts; expected = [ ]; };
  firewallOff = { expr = (config { networking.firewall.enable = false; }).systemd.services ? firewall; expected = false; };
  firewallOrder = { expr = let s = (config { }).systemd.services.firewall; in [ s.wantedBy s.before ]; expected = [ [ "sysinit.target" ] [ "network-pre.target" "shutdown.target" ] ]; };
  firewallBadPort = { expr = rules { networking.firewall.allowedTCPPorts = [ 70000 ]; }; expectedError = "networking.firewall.allowedTCPPorts"; };

  nat = {
    expr = let c = config { networking.nat = { enable = true; internalInterfaces = [ "lan" ]; externalInterface = "wan"; forwardPorts = [ { sourcePort = "90:95"; destination = "10.0.0.2"; proto = "udp"; } ]; }; };
      in [ c.systemd.services.nat.wantedBy c.boot.kernel.sysctl."net.ipv4.conf.all.forwarding" (map (forward: forward.sourcePort) c.networking.nat.forwardPorts) ];
    expected = [ [ "network.target" ] true [ "90-95" ] ];
  };
  natWithoutOutside = { expr = toplevel { networking.nat = { enable = true; forwardPorts = [ { sourcePort = 1; destination = "10.0.0.1:1"; } ]; }; }; expectedError = "networking.nat.forwardPorts needs networking.nat.externalInterface"; };
  wirelessNetwork = {
    expr = hasInfix "network={\n  ssid=\"home\"\n  psk=\"secret88\"\n" (etc "wpa_supplicant/nixos.conf" { networking.wireless = { enable = true; networks.home.psk = "secret88"; }; });
    expected = true;
  };
  wirelessTwice = { expr = toplevel { networking.wireless = { enable = true; networks.home = { psk = "secret88"; pskRaw = "00"; }; }; }; expectedError = "networking.wireless.networks.home: only one of psk, pskRaw and auth can be set"; };

  sshdConfig = {
    expr = let text = etc "ssh/sshd_config" { services.openssh = { enable = true; ports = [ 2222 ]; settings = { PasswordAuthentication = false; AllowUsers = [ "a" "b" ]; Ciphers = [ "x" "y" ]; MaxAuthTries = 3; }; extraConfig = "Match User c\n  X no"; }; };
      in map (part: hasInfix part text) [ "Port 2222\n" "PasswordAuthentication no\n" "AllowUsers a b\n" "Ciphers x,y\n" "MaxAuthTries 3\n" "PermitRootLogin prohibit-password\n" "HostKey /etc/ssh/ssh_host_ed25519_key\n" ] ++ [ (lib.hasSuffix "Match User c\n  X no" text) ];
    expected = [ true true true true true true true true ];
  };
  sshdOldName = { expr = (config { services.openssh = { enable = true; permitRootLogin = "no"; }; }).services.openssh.settings.PermitRootLogin; expected = "no"; };
  sshdBadValue = { expr = (config { services.openssh.settings.PermitRootLogin = "maybe"; }).services.openssh.settings.PermitRootLogin; expectedError = "services.openssh.settings.PermitRootLogin"; };
  sshdKeys = { expr = let e = (config { services.openssh.enable = true; users.users.root.openssh.authorizedKeys.keys = [ "k1" "k2" ]; }).environment.etc."ssh/authorized_keys.d/root"; in [ e.text e.mode ]; expected = [ "k1\nk2\n" "0444" ]; };
  sshdUnit = { expr = let s = (config { services.openssh.enable = true; }).systemd.services.sshd; in [ s.aliases s.wants s.wantedBy ]; expected = [ [ "ssh.service" ] [ "sshd-host-keys.service" ] [ "multi-user.target" ] ]; };
  sshdWhenNeeded = { expr = let c = config { services.openssh = { enable = true; startWhenNeeded = true; }; }; in [ (c.systemd.services ? sshd) c.systemd.sockets.sshd.socketConfig.ListenStream c.systemd.sockets.sshd.socketConfig.Accept ]; expected = [ false [ 22 ] true ]; };
  knownHost = { expr = etc "ssh/ssh_known_hosts" { programs.ssh.knownHosts.box = { extraHostNames = [ "10.0.0.1" ]; publicKey = "ssh-ed25519 K"; certAuthority = true; }; }; expected = "@cert-authority box,10.0.0.1 ssh-ed25519 K\n"; };
  knownHostWithoutKey = { expr = toplevel { programs.ssh.knownHosts.box = { }; }; expectedError = "programs.ssh.knownHosts.box needs exactly one of publicKey and publicKeyFile"; };
}
