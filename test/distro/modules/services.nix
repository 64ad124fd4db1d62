# Services with options of their own: what is written into their files, and how they are started.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  config = configuration: (evaluate [ configuration ]).config;
  inherit (lib) hasInfix;
  toplevel = configuration: (config configuration).system.build.toplevel.drvPath;
  nginx = configuration:
    let cfg = (config { services.nginx = configuration // { enable = true; }; }).services.nginx;
    in import ../../../distro/nixos/modules/services/web-servers/nginx-text.nix {
      inherit lib cfg;
      inherit (evaluate [ ]) pkgs;
    };
  has = text: map (line: hasInfix line text);
  etc = name: configuration: (config configuration).environment.etc.${name}.text;
in
{
  nginxHost = {
    expr = has (nginx {
      virtualHosts."example.org" = {
        serverAliases = [ "www.example.org" ];
        default = true;
        root = "/var/www";
        locations."/api/" = { proxyPass = "http://127.0.0.1:8080"; proxyWebsockets = true; };
        locations."/".priority = 2000;
      };
    }) [
      "    server {\n        listen 0.0.0.0:80 default_server;\n        listen [::0]:80 default_server;\n        server_name example.org www.example.org;\n        root /var/www;\n        location /api/ {\n            proxy_pass http://127.0.0.1:8080;\n"
      "            proxy_set_header Connection $connection_upgrade;\n        }\n        location / {\n        }\n    }\n"
      "sendfile on"
    ];
    expected = [ true true false ];
  };
  nginxTls = {
    expr = has (nginx {
      recommendedOptimisation = true;
      virtualHosts.x = { forceSSL = true; sslCertificate = "/c.pem"; sslCertificateKey = "/k.pem"; };
    }) [
      "listen 0.0.0.0:443 ssl;\n" "ssl_certificate /c.pem;\n" "return 301 https://$host$request_uri;" "sendfile on;"
    ];
    expected = [ true true true true ];
  };
  nginxTlsWithoutCertificate = {
    expr = toplevel { services.nginx = { enable = true; virtualHosts.x.onlySSL = true; }; };
    expectedError = "services.nginx.virtualHosts.\"x\" uses TLS, so it needs sslCertificate";
  };
  nginxUpstream = {
    expr = has (nginx { upstreams.app = { servers = { "a:1" = { }; "b:2" = { backup = true; weight = 5; }; }; extraConfig = "least_conn;"; }; }) [
      "    upstream app {\n        server a:1 ;\n        server b:2 backup weight=5;\n        least_conn;\n    }\n"
    ];
    expected = [ true ];
  };
  nginxService = {
    expr = let c = config { services.nginx.enable = true; }; in [ c.systemd.services.nginx.serviceConfig.User c.users.users.nginx.group ];
    expected = [ "nginx" "nginx" ];
  };
  caddySite = {
    expr = (config { services.caddy = { enable = true; email = "a@b.c"; virtualHosts."x.org" = { logFormat = null; extraConfig = "respond hi"; }; }; }).systemd.services.caddy.wantedBy;
    expected = [ "multi-user.target" ];
  };
  dnsmasq = {
    expr =
      let
        c = config {
          networking.nameservers = [ "9.9.9.9" ];
          services.dnsmasq = { enable = true; settings = { interface = "lan0"; dhcp-range = [ "a" "b" ]; domain-needed = true; }; };
        };
      in
      [ c.services.dnsmasq.settings.server c.services.resolved.enable c.environment.etc."resolv.conf".text ];
    expected = [ [ "9.9.9.9" ] false "nameserver 127.0.0.1\noptions edns0\n" ];
  };
  wireguard = {
    expr =
      let
        c = config {
          networking.wireguard.interfaces.wg0 = {
            ips = [ "10.1.0.1/24" ]; listenPort = 51820; privateKeyFile = "/key";
            peers = [ { publicKey = "PEER"; allowedIPs = [ "10.1.0.2/32" ]; presharedKeyFile = "/psk"; } ];
          };
        };
      in
      has c.systemd.services.wireguard-wg0.script [
        "ip link add dev wg0 type wireguard" "wg set wg0 private-key /key" "wg set wg0 peer PEER preshared-key /psk"
        "ip address add 10.1.0.1/24 dev wg0" "ip route replace 10.1.0.2/32 dev wg0 table main"
      ];
    expected = [ true true true true true ];
  };
  wireguardTwoKeys = {
    expr = toplevel { networking.wireguard.interfaces.wg0 = { privateKey = "a"; privateKeyFile = "/b"; }; };
    expectedError = "networking.wireguard.interfaces.wg0: only one of privateKey and privateKeyFile can be set.";
  };
  wgQuick = {
    expr =
      let file = (config { networking.wg-quick.interfaces.wg1 = { address = [ "10.2.0.1/24" ]; privateKey = "K"; peers = [ { publicKey = "P"; endpoint = "h:1"; } ]; }; }).environment.etc."wireguard/wg1.conf";
      in [ file.text file.mode ];
    expected = [ "[Interface]\nPrivateKey = K\nAddress = 10.2.0.1/24\n[Peer]\nPublicKey = P\nEndpoint = h:1\n" "0600" ];
  };
  doas = {
    expr = etc "doas.conf" { security.doas = { enable = true; wheelNeedsPassword = false; extraRules = [ { users = [ "bob" ]; cmd = "ls"; args = [ "-l" ]; persist = true; } ]; }; };
    expected = "permit nopass setenv { SSH_AUTH_SOCK TERMINFO_DIRS  } :wheel\npermit persist setenv { SSH_AUTH_SOCK TERMINFO_DIRS  } bob cmd ls args -l\npermit nopass keepenv root\n";
  };
  podmanBesideDocker = {
    expr = toplevel { virtualisation = { docker.enable = true; podman = { enable = true; dockerCompat = true; }; }; };
    expectedError = "virtualisation.podman cannot stand in for Docker";
  };
  wirelessSecrets = {
    expr = hasInfix "ext_password_backend=file:/run/wifi\n" (etc "wpa_supplicant/nixos.conf" { networking.wireless = { enable = true; secretsFile = "/run/wifi"; networks.home.pskRaw = "ext:psk_home"; }; });
    expected = true;
  };
  avahiPublishes = {
    expr = has (etc "avahi/avahi-daemon.conf" { services.avahi = { enable = true; publish = { enable = true; addresses = true; }; }; }) [ "disable-publishing=no\n" "publish-addresses=yes\n" "publish-hinfo=no\n" ];
    expected = [ true true true ];
  };
  avahiAsPackaged = {
    expr = (config { services.avahi.enable = true; }).environment.etc ? "avahi/avahi-daemon.conf";
    expected = false;
  };
  fish = {
    expr = has (etc "fish/conf.d/nixos.fish" { programs.fish = { enable = true; shellAliases.ll = "ls -l"; shellInit = "set x 1"; }; }) [ "set x 1\n" "alias ll 'ls -l'\n" ];
    expected = [ true true ];
  };

  unknownService = {
    expr = toplevel { services.jellyfin.enable = true; };
    expectedError = [ "The option `services.jellyfin' does not exist." "Firn's tree has no such option; NixOS may have it." ];
  };
  unknownBelowModule = {
    expr = toplevel { programs.zsh.ohMyZsh.enable = true; };
    expectedError = [ "`programs.zsh.ohMyZsh' does not exist." "Firn's tree has `programs.zsh', but not this option below it; NixOS may have it." ];
  };
  unknownGraphical = {
    expr = toplevel { services.xserver.enable = true; };
    expectedError = "Firn's tree has no graphical system";
  };
}
