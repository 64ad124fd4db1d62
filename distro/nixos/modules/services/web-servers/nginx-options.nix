# The options of nginx's virtual hosts, their locations, and groups of servers behind it.
{ lib }:

let
  inherit (lib) mkOption types;
  text = description: mkOption { type = types.lines; default = ""; inherit description; };
  bool = default: description: mkOption { type = types.bool; inherit default description; };
  orNull = type: description: mkOption { type = types.nullOr type; default = null; inherit description; };

  passwords = {
    basicAuth = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = { user = "password"; };
      description = "Users and passwords asked for; everybody can read them in the store.";
    };
    basicAuthFile = orNull types.path "File with users and hashed passwords asked for.";
  };

  location.options = passwords // {
    proxyPass = orNull types.str "Server that answers instead." // { example = "http://127.0.0.1:8080"; };
    proxyWebsockets = bool false "Whether WebSocket connections are passed on too.";
    recommendedProxySettings = orNull types.bool
      "Whether the usual headers go to the server behind; null for what the whole server has.";
    index = orNull types.str "Files served for a folder.";
    tryFiles = orNull types.str "Paths that are tried in turn." // { example = "$uri /index.html"; };
    root = orNull types.path "Folder that requests are answered from.";
    alias = orNull types.path "Folder that stands for the location.";
    return = orNull (types.oneOf [ types.str types.int ]) "Answer given at once." // { example = "301 https://example.org$request_uri"; };
    fastcgiParams = mkOption {
      type = types.attrsOf (types.either types.str types.path);
      default = { };
      description = "Parameters for a FastCGI server.";
    };
    extraConfig = text "Lines at the end of the location.";
    priority = mkOption {
      type = types.int;
      default = 1000;
      description = "Place among the locations, the smallest first.";
    };
  };

  listen.options = {
    addr = mkOption { type = types.str; description = "Address, in brackets if it is IPv6."; };
    port = orNull types.port "Port; null for 80, or 443 with TLS.";
    ssl = bool false "Whether connections use TLS.";
    proxyProtocol = bool false "Whether connections begin with the PROXY protocol.";
    extraParameters = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "backlog=1024" ];
      description = "Further parameters of the directive.";
    };
  };
in
{
  virtualHost = {
    options = passwords // {
      serverName = orNull types.str "Name of the host; null for the name of its attribute.";
      serverAliases = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "www.example.org" ];
        description = "Further names.";
      };
      listen = mkOption {
        type = types.listOf (types.submodule listen);
        default = [ ];
        description = "Addresses and ports; empty for all addresses and the usual ports.";
      };
      listenAddresses = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "127.0.0.1" "[::1]" ];
        description = "Addresses, with the usual ports.";
      };
      default = bool false "Whether this host answers for names that no host has.";
      addSSL = bool false "Whether the host answers with TLS too.";
      onlySSL = bool false "Whether the host answers with TLS alone.";
      forceSSL = bool false "Whether requests without TLS are sent to the same address with it.";
      sslCertificate = orNull types.path "Certificate, with those between it and a trusted one.";
      sslCertificateKey = orNull types.path "Its key.";
      sslTrustedCertificate = orNull types.path "Certificates that answers about revocation are checked by.";
      http2 = bool true "Whether HTTP/2 is offered.";
      globalRedirect = orNull types.str "Host that all requests are sent to." // { example = "example.org"; };
      redirectCode = mkOption {
        type = types.ints.between 300 399;
        default = 301;
        description = "Status of the answer to what is sent elsewhere.";
      };
      root = orNull types.path "Folder that requests are answered from.";
      extraConfig = text "Lines at the end of the host.";
      locations = mkOption {
        type = types.attrsOf (types.submodule location);
        default = { };
        example = { "/".proxyPass = "http://127.0.0.1:3000"; };
        description = "What is answered below a path.";
      };
    };
  };

  upstream = {
    options = {
      servers = mkOption {
        type = types.attrsOf (types.attrsOf (types.oneOf [ types.bool types.int types.str ]));
        default = { };
        example = { "127.0.0.1:8000" = { }; "127.0.0.1:8001".backup = true; };
        description = "Servers with their parameters.";
      };
      extraConfig = text "Lines at the end of the group.";
    };
  };
}
