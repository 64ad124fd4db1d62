# systemd-resolved: names are looked up through it, /etc/resolv.conf is its stub.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.services.resolved;
  words = list: lib.concatStringsSep " " list;
  settingText = value:
    if builtins.isBool value then lib.boolToString value
    else if builtins.isList value then words value
    else toString value;
  tristate = extra: types.enum ([ "true" "false" ] ++ extra);
in

{
  options.services.resolved = {
    enable = lib.mkEnableOption "systemd-resolved, a name resolver with a cache";
    fallbackDns = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      example = [ "8.8.8.8" ];
      description = "Name servers if none is known otherwise; null leaves the built-in ones.";
    };
    domains = mkOption {
      type = types.listOf types.str;
      default = config.networking.search;
      defaultText = lib.literalExpression "config.networking.search";
      description = "Search domains.";
    };
    llmnr = mkOption {
      type = tristate [ "resolve" ];
      default = "true";
      description = "Link-local multicast name resolution.";
    };
    dnssec = mkOption {
      type = tristate [ "allow-downgrade" ];
      default = "false";
      description = "Whether answers' signatures are checked.";
    };
    dnsovertls = mkOption {
      type = tristate [ "opportunistic" ];
      default = "false";
      description = "Whether questions are encrypted.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Lines added to {file}`resolved.conf`.";
    };
    settings = mkOption {
      type = types.attrsOf (types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.str (types.listOf types.str) ])));
      default = { };
      example = { Resolve.DNSSEC = "true"; };
      description = "Settings of resolved.conf(5), by section; they win over the options above.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.networking.useHostResolvConf;
        message = "networking.useHostResolvConf cannot be used with services.resolved.enable.";
      }
    ];

    environment.systemPackages = [ pkgs.systemd-resolved pkgs.libnss-resolve ];

    environment.etc = {
      "systemd/resolved.conf".text =
        let
          resolve = {
            DNS = config.networking.nameservers;
            FallbackDNS = cfg.fallbackDns;
            Domains = cfg.domains;
            LLMNR = cfg.llmnr;
            DNSSEC = cfg.dnssec;
            DNSOverTLS = cfg.dnsovertls;
          } // cfg.settings.Resolve or { };
        in
        "[Resolve]\n"
        + lib.concatStrings (lib.mapAttrsToList (name: value:
          # An empty list still says "none" for the fallback servers; elsewhere it says nothing.
          lib.optionalString (value != null && !(value == [ ] && name != "FallbackDNS")) "${name}=${settingText value}\n") resolve)
        + cfg.extraConfig;
      "resolv.conf" = {
        source = "/run/systemd/resolve/stub-resolv.conf";
        mode = "direct-symlink";
      };
    };

    systemd.services.systemd-resolved = {
      overrideStrategy = "asDropin";
      wantedBy = [ "sysinit.target" ];
      aliases = [ "dbus-org.freedesktop.resolve1.service" ];
    };
  };
}
