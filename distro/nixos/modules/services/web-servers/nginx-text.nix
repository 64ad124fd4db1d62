# nginx's configuration file, made from the options.
{ lib, pkgs, cfg }:

let
  inherit (lib)
    concatMapStrings concatStringsSep escapeShellArg mapAttrsToList optional optionalString
    ;

  block = head: lines: "${head} {\n${concatMapStrings (line: indent line) lines}}\n";
  indent = text: concatMapStrings (line: if line == "" then "" else "    ${line}\n")
    (lib.splitString "\n" (lib.removeSuffix "\n" text));
  directive = name: value: optional (value != null) "${name} ${toString value};\n";
  onOff = value: if value then "on" else "off";

  passwordFile = name: accounts: pkgs.writeText "${name}.htpasswd"
    (concatStringsSep "\n" (mapAttrsToList (user: password: "${user}:{PLAIN}${password}") accounts));
  asked = name: of:
    let file = if of.basicAuthFile != null then of.basicAuthFile
      else if of.basicAuth != { } then passwordFile name of.basicAuth else null;
    in optional (file != null) "auth_basic secured;\nauth_basic_user_file ${file};\n";

  location = path: l: block "location ${path}" (
    asked "location" l
    ++ directive "proxy_pass" l.proxyPass
    ++ optional (l.proxyPass != null && l.proxyWebsockets)
      "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;\n"
    ++ directive "index" l.index
    ++ directive "try_files" l.tryFiles
    ++ directive "root" l.root
    ++ directive "alias" l.alias
    ++ mapAttrsToList (name: value: "fastcgi_param ${name} \"${toString value}\";\n") l.fastcgiParams
    ++ directive "return" l.return
    ++ [ l.extraConfig ]
    # Headers set in a location replace those of the server: they have to be repeated.
    ++ optional (l.proxyPass != null && (if l.recommendedProxySettings == null then cfg.recommendedProxySettings else l.recommendedProxySettings)) proxyHeaders
  );

  locations = set: map (entry: location entry.name entry.value) (lib.sort (a: b: a.value.priority < b.value.priority)
    (lib.mapAttrsToList lib.nameValuePair set));

  listenLine = host: entry: "listen ${entry.addr}:${toString (
    if entry.port != null then entry.port
    else if entry.ssl then cfg.defaultSSLListenPort else cfg.defaultHTTPListenPort
  )}${concatStringsSep "" (map (word: " ${word}") (
    optional entry.ssl "ssl" ++ optional host.default "default_server"
    ++ optional entry.proxyProtocol "proxy_protocol" ++ entry.extraParameters
  ))};\n";

  server = name: host:
    let
      tls = host.addSSL || host.onlySSL || host.forceSSL;
      plain = { ssl = false; port = null; proxyProtocol = false; extraParameters = [ ]; };
      addresses = if host.listenAddresses != [ ] then host.listenAddresses else cfg.defaultListenAddresses;
      listens =
        if host.listen != [ ] then host.listen
        else lib.optionals (!host.onlySSL) (map (addr: plain // { inherit addr; }) addresses)
          ++ lib.optionals tls (map (addr: plain // { inherit addr; ssl = true; }) addresses);
      split = lib.partition (entry: entry.ssl) listens;
      names = "server_name ${concatStringsSep " " ([ (if host.serverName == null then name else host.serverName) ] ++ host.serverAliases)};\n";
      body = entries: block "server" (
        map (listenLine host) entries
        ++ [ names ]
        ++ optional (lib.any (entry: entry.ssl) entries) (
          "http2 ${onOff host.http2};\n"
          + "ssl_certificate ${toString host.sslCertificate};\n"
          + "ssl_certificate_key ${toString host.sslCertificateKey};\n"
          + optionalString (host.sslTrustedCertificate != null) "ssl_trusted_certificate ${host.sslTrustedCertificate};\n"
        )
        ++ directive "root" host.root
        ++ optional (host.globalRedirect != null) (block "location /" [
          "return ${toString host.redirectCode} $scheme://${host.globalRedirect}$request_uri;\n"
        ])
        ++ asked name host
        ++ locations host.locations
        ++ [ host.extraConfig ]
      );
      redirect = block "server" (
        map (listenLine host) split.wrong
        ++ [ names (block "location /" [ "return ${toString host.redirectCode} https://$host$request_uri;\n" ]) ]
      );
    in
    if host.forceSSL then redirect + body split.right else body listens;

  parameter = name: value:
    if value == true then name else if value == false then "" else "${name}=${toString value}";
  upstream = name: u: block "upstream ${name}" (
    mapAttrsToList (address: parameters:
      "server ${address} ${concatStringsSep " " (lib.filter (word: word != "") (mapAttrsToList parameter parameters))};\n"
    ) u.servers
    ++ [ u.extraConfig ]
  );

  proxyHeaders = ''
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Server $hostname;
  '';

  http = block "http" (
    [
      ''
        include /etc/nginx/mime.types;
        default_type application/octet-stream;
        charset utf-8;
        client_body_temp_path /var/cache/nginx/client_body;
        proxy_temp_path /var/cache/nginx/proxy;
        fastcgi_temp_path /var/cache/nginx/fastcgi;
        uwsgi_temp_path /var/cache/nginx/uwsgi;
        scgi_temp_path /var/cache/nginx/scgi;
        server_tokens ${onOff cfg.serverTokens};
        client_max_body_size ${cfg.clientMaxBodySize};
        map $http_upgrade $connection_upgrade {
            default upgrade;
            "" close;
        }
      ''
      cfg.commonHttpConfig
    ]
    ++ directive "resolver" (if cfg.resolver.addresses == [ ] then null else
      concatStringsSep " " (cfg.resolver.addresses
        ++ optional (cfg.resolver.valid != "") "valid=${cfg.resolver.valid}"
        ++ optional (!cfg.resolver.ipv6) "ipv6=off"))
    ++ mapAttrsToList upstream cfg.upstreams
    ++ optional cfg.recommendedOptimisation ''
      sendfile on;
      tcp_nopush on;
      tcp_nodelay on;
      keepalive_timeout 65;
    ''
    ++ [ "ssl_protocols ${cfg.sslProtocols};\n" ]
    ++ directive "ssl_ciphers" cfg.sslCiphers
    ++ directive "ssl_dhparam" cfg.sslDhparam
    ++ optional cfg.recommendedTlsSettings ''
      ssl_session_timeout 1d;
      ssl_session_cache shared:SSL:10m;
      ssl_session_tickets off;
      ssl_prefer_server_ciphers off;
    ''
    ++ optional cfg.recommendedGzipSettings ''
      gzip on;
      gzip_static on;
      gzip_vary on;
      gzip_comp_level 5;
      gzip_min_length 256;
      gzip_proxied expired no-cache no-store private auth;
      gzip_types application/atom+xml application/javascript application/json application/rss+xml
        application/wasm application/xml font/otf font/ttf image/svg+xml text/css text/javascript
        text/plain text/xml;
    ''
    ++ optional cfg.recommendedProxySettings (''
      proxy_redirect off;
      proxy_connect_timeout ${cfg.proxyTimeout};
      proxy_send_timeout ${cfg.proxyTimeout};
      proxy_read_timeout ${cfg.proxyTimeout};
      proxy_http_version 1.1;
    '' + proxyHeaders)
    ++ optional cfg.statusPage (block "server" [
      "listen 127.0.0.1:80;\nlisten [::1]:80;\nserver_name localhost;\n"
      (block "location /nginx_status" [ "stub_status on;\naccess_log off;\nallow 127.0.0.1;\nallow ::1;\ndeny all;\n" ])
    ])
    ++ (if cfg.httpConfig != "" then [ cfg.httpConfig ] else mapAttrsToList server cfg.virtualHosts)
    ++ [ cfg.appendHttpConfig ]
  );
in
''
  pid /run/nginx/nginx.pid;
  error_log ${cfg.logError};
  daemon off;
''
+ (if cfg.config != "" then cfg.config else
  block "events" [ cfg.eventsConfig ] + http
  + optionalString (cfg.streamConfig != "") (block "stream" [ cfg.streamConfig ]))
+ cfg.appendConfig
