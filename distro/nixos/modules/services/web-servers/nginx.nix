# nginx, with NixOS's options: virtual hosts instead of a configuration file.
#
# It runs as an account of its own from the start, which may listen on low ports and owns its
# folders. Certificates come as files: nothing here fetches them.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkIf mkOption types;
  cfg = config.services.nginx;
  hosts = import ./nginx-options.nix { inherit lib; };

  text = description: mkOption { type = types.lines; default = ""; inherit description; };
  recommended = what: mkOption {
    type = types.bool;
    default = false;
    description = "Whether the settings usually recommended for ${what} are made.";
  };
  string = default: description: mkOption { type = types.str; inherit default description; };

  file = pkgs.writeText "nginx.conf" (import ./nginx-text.nix { inherit lib pkgs cfg; });
  nginx = "/usr/sbin/nginx -c ${if cfg.enableReload then "/etc/nginx/nginx.conf" else "${file}"}";
in

{
  options.services.nginx = {
    enable = lib.mkEnableOption "the web server nginx";
    package = lib.mkPackageOption pkgs "nginx" { };
    user = string "nginx" "Account it runs as.";
    group = string "nginx" "Group it runs as.";
    config = text "All of its configuration but the first lines, instead of that made of the other options.";
    appendConfig = text "Lines at the end of the configuration.";
    eventsConfig = text "Lines of the block `events`.";
    httpConfig = text "Lines of the block `http`, instead of virtual hosts.";
    commonHttpConfig = text "Lines at the start of the block `http`.";
    appendHttpConfig = text "Lines at the end of the block `http`.";
    streamConfig = text "Lines of the block `stream`; it needs {option}`package` to have that module.";
    logError = string "stderr" "Where errors are written, and which.";
    enableReload = mkOption {
      type = types.bool;
      default = false;
      description = "Whether it reads {file}`/etc/nginx/nginx.conf`, so that a reload takes a changed one.";
    };
    recommendedOptimisation = recommended "speed";
    recommendedTlsSettings = recommended "TLS";
    recommendedGzipSettings = recommended "compression";
    recommendedProxySettings = recommended "servers behind it";
    proxyTimeout = string "60s" "How long servers behind it may take.";
    serverTokens = mkOption { type = types.bool; default = false; description = "Whether answers tell nginx's version."; };
    statusPage = mkOption { type = types.bool; default = false; description = "Whether http://localhost/nginx_status tells how busy it is."; };
    clientMaxBodySize = string "10m" "How much a request may bring.";
    sslProtocols = string "TLSv1.2 TLSv1.3" "Versions of TLS that are offered.";
    sslCiphers = mkOption { type = types.nullOr types.str; default = null; description = "Ciphers that are offered; null for OpenSSL's."; };
    sslDhparam = mkOption { type = types.nullOr types.path; default = null; description = "File with parameters for key exchange."; };
    defaultListenAddresses = mkOption {
      type = types.listOf types.str;
      default = [ "0.0.0.0" ] ++ lib.optional config.networking.enableIPv6 "[::0]";
      defaultText = lib.literalExpression ''[ "0.0.0.0" ] ++ lib.optional config.networking.enableIPv6 "[::0]"'';
      description = "Addresses of hosts that name none.";
    };
    defaultHTTPListenPort = mkOption { type = types.port; default = 80; description = "Port without TLS."; };
    defaultSSLListenPort = mkOption { type = types.port; default = 443; description = "Port with TLS."; };
    resolver = {
      addresses = mkOption { type = types.listOf types.str; default = [ ]; example = [ "127.0.0.53" ]; description = "Name servers."; };
      valid = string "" "How long answers count, if not as long as they say.";
      ipv6 = mkOption { type = types.bool; default = true; description = "Whether IPv6 addresses are asked for."; };
    };
    upstreams = mkOption {
      type = types.attrsOf (types.submodule hosts.upstream);
      default = { };
      description = "Groups of servers behind it, by the names that proxyPass calls them.";
    };
    virtualHosts = mkOption {
      type = types.attrsOf (types.submodule hosts.virtualHost);
      default = { localhost = { }; };
      example = { "example.org" = { root = "/var/www/example.org"; }; };
      description = "Hosts that it answers for, by name.";
    };
  };

  config = mkIf cfg.enable {
    assertions = lib.concatLists (lib.mapAttrsToList (name: host: [
      {
        assertion = lib.count (x: x) [ host.addSSL host.onlySSL host.forceSSL ] <= 1;
        message = "services.nginx.virtualHosts.\"${name}\": only one of addSSL, onlySSL and forceSSL can be set.";
      }
      {
        assertion = !(host.addSSL || host.onlySSL || host.forceSSL)
          || (host.sslCertificate != null && host.sslCertificateKey != null);
        message = "services.nginx.virtualHosts.\"${name}\" uses TLS, so it needs sslCertificate and sslCertificateKey.";
      }
      {
        assertion = lib.all (l: l.root == null || l.alias == null) (lib.attrValues host.locations);
        message = "services.nginx.virtualHosts.\"${name}\": a location cannot have both root and alias.";
      }
    ]) cfg.virtualHosts);

    environment.systemPackages = [ cfg.package ];
    environment.etc."nginx/nginx.conf".source = file;

    users.users = mkIf (cfg.user == "nginx") { nginx = { isSystemUser = true; inherit (cfg) group; }; };
    users.groups = mkIf (cfg.group == "nginx") { nginx = { }; };

    systemd.services.nginx = {
      description = "Web server nginx";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network.target" ];
      after = [ "network.target" ];
      serviceConfig = {
        ExecStartPre = "${nginx} -t -q";
        ExecStart = nginx;
        ExecReload = [ "${nginx} -t -q" "/bin/kill -HUP $MAINPID" ];
        Restart = "always";
        RestartSec = "10s";
        User = cfg.user;
        Group = cfg.group;
        RuntimeDirectory = "nginx";
        LogsDirectory = "nginx";
        LogsDirectoryMode = "0750";
        CacheDirectory = "nginx";
        CacheDirectoryMode = "0750";
        UMask = "0027";
        AmbientCapabilities = [ "CAP_NET_BIND_SERVICE" ];
        CapabilityBoundingSet = [ "CAP_NET_BIND_SERVICE" ];
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ProtectHome = lib.mkDefault true;
        PrivateTmp = true;
        PrivateDevices = true;
        ProtectKernelTunables = true;
        ProtectKernelModules = true;
        ProtectControlGroups = true;
        RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
        RestrictSUIDSGID = true;
        LockPersonality = true;
      };
    };
  };
}
