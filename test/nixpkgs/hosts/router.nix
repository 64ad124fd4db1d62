# A router from bare parts: VLANs, bridge, WireGuard, DNS and DHCP; on the systemd initrd.
{ lib, ... }:
{
  boot = { loader.grub.device = "nodev"; initrd.systemd.enable = true; };
  fileSystems."/" = { device = "none"; fsType = "tmpfs"; };
  boot.kernel.sysctl."net.ipv4.ip_forward" = 1;
  networking = {
    hostName = "gate";
    vlans = lib.genAttrs' (lib.range 10 13) (id: lib.nameValuePair "lan${toString id}" { inherit id; interface = "eth0"; });
    bridges.br0.interfaces = [ "lan10" "lan11" ];
    interfaces.br0.ipv4.addresses = [ { address = "10.0.0.1"; prefixLength = 24; } ];
    nat = { enable = true; externalInterface = "eth1"; internalInterfaces = [ "br0" ]; };
    wireguard.interfaces.wg0 = { ips = [ "10.1.0.1/24" ]; privateKeyFile = "/etc/wg"; listenPort = 51820; };
  };
  services = {
    dnsmasq = { enable = true; settings = { interface = "br0"; dhcp-range = [ "10.0.0.10,10.0.0.99" ]; }; };
    unbound.enable = true;
    chrony.enable = true;
  };
  documentation.nixos.enable = false;
  system.stateVersion = "26.05";
}
