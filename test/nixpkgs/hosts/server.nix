# A web server with a database, certificates, backups and a firewall.
{ pkgs, lib, config, ... }:
{
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/" = { device = "/dev/vda1"; fsType = "ext4"; };
  networking = {
    hostName = "serves";
    useNetworkd = true;
    firewall.allowedTCPPorts = [ 80 443 ];
    nftables.enable = true;
  };
  security.acme = { acceptTerms = true; defaults.email = "root@example.org"; };
  services = {
    openssh = { enable = true; settings.PasswordAuthentication = false; };
    nginx = {
      enable = true;
      recommendedProxySettings = true;
      virtualHosts."example.org" = {
        forceSSL = true;
        enableACME = true;
        locations."/".proxyPass = "http://127.0.0.1:3000";
      };
    };
    postgresql = { enable = true; ensureDatabases = [ "app" ]; };
    fail2ban.enable = true;
    prometheus = { enable = true; exporters.node.enable = true; };
    restic.backups.home = {
      repository = "/var/backup";
      passwordFile = "/etc/secret";
      paths = [ "/home" ];
    };
  };
  systemd.services.app = {
    wantedBy = [ "multi-user.target" ];
    path = [ pkgs.curl ];
    serviceConfig.ExecStart = "${lib.getExe pkgs.python3} -m http.server 3000";
    environment.HOST = config.networking.hostName;
  };
  users.users.ada = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
    openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA ada" ];
  };
  system.stateVersion = "26.05";
}
