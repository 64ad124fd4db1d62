# Caddy, with NixOS's options. It runs by its package's unit, as the account `caddy`, and gets its
# certificates by itself.
{ config, lib, pkgs, ... }:

let
  inherit (lib) concatMapStringsSep concatStrings concatStringsSep mapAttrsToList mkIf mkOption optionalString types;
  cfg = config.services.caddy;

  indent = text: concatMapStringsSep "\n" (line: if line == "" then "" else "  ${line}")
    (lib.splitString "\n" (lib.removeSuffix "\n" text));
  block = head: text: "${head} {\n${indent text}\n}\n";

  hostOptions = { name, ... }: {
    options = {
      hostName = mkOption { type = types.str; default = name; description = "Address of the site."; };
      serverAliases = mkOption { type = types.listOf types.str; default = [ ]; description = "Further addresses."; };
      listenAddresses = mkOption { type = types.listOf types.str; default = [ ]; description = "Addresses it listens on; empty for all."; };
      extraConfig = mkOption { type = types.lines; default = ""; description = "Lines of the site in the Caddyfile."; };
      logFormat = mkOption {
        type = types.nullOr types.lines;
        default = "output file ${cfg.logDir}/access-${lib.replaceStrings [ "/" " " ] [ "_" "_" ] name}.log\n";
        defaultText = "a file in logDir";
        description = "How the site's log is written; null for not at all.";
      };
    };
  };

  site = host: block (concatStringsSep ", " ([ host.hostName ] ++ host.serverAliases)) (
    optionalString (host.listenAddresses != [ ]) "bind ${concatStringsSep " " host.listenAddresses}\n"
    + optionalString (host.logFormat != null) (block "log" host.logFormat)
    + host.extraConfig
  );

  global = optionalString (cfg.email != null) "email ${cfg.email}\n"
    + optionalString (cfg.acmeCA != null) "acme_ca ${cfg.acmeCA}\n" + cfg.globalConfig;
in

{
  options.services.caddy = {
    enable = lib.mkEnableOption "the web server Caddy";
    package = lib.mkPackageOption pkgs "caddy" { };
    email = mkOption { type = types.nullOr types.str; default = null; description = "Address that the authority for certificates may write to."; };
    acmeCA = mkOption { type = types.nullOr types.str; default = null; description = "Authority that certificates are got from; null for Caddy's choice."; };
    dataDir = mkOption { type = types.path; default = "/var/lib/caddy"; description = "Home of its account."; };
    logDir = mkOption { type = types.path; default = "/var/log/caddy"; description = "Folder of its logs."; };
    globalConfig = mkOption { type = types.lines; default = ""; description = "Lines of the global options."; };
    extraConfig = mkOption { type = types.lines; default = ""; description = "Lines at the end of the Caddyfile."; };
    openFirewall = mkOption { type = types.bool; default = false; description = "Whether the firewall lets HTTP and HTTPS in."; };
    virtualHosts = mkOption {
      type = types.attrsOf (types.submodule hostOptions);
      default = { };
      example = { "example.org".extraConfig = "root * /var/www\nfile_server"; };
      description = "Sites, by address.";
    };
    configFile = mkOption {
      type = types.path;
      default = pkgs.writeText "Caddyfile" (
        optionalString (global != "") (block "" global)
        + concatStrings (mapAttrsToList (_: site) cfg.virtualHosts)
        + cfg.extraConfig
      );
      defaultText = "a Caddyfile made of the other options";
      description = "The configuration file.";
    };
  };

  config = mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc."caddy/Caddyfile".source = cfg.configFile;
    users.users.caddy = { isSystemUser = true; group = "caddy"; home = cfg.dataDir; };
    users.groups.caddy = { };
    systemd.tmpfiles.rules = [ "d ${cfg.dataDir} 0750 caddy caddy -" "d ${cfg.logDir} 0750 caddy caddy -" ];
    networking.firewall = mkIf cfg.openFirewall { allowedTCPPorts = [ 80 443 ]; allowedUDPPorts = [ 443 ]; };
    # The package's unit sends all that is below /etc/caddy to the running server on a reload.
    systemd.services.caddy = {
      overrideStrategy = "asDropin";
      wantedBy = [ "multi-user.target" ];
      serviceConfig.ReadWritePaths = [ cfg.logDir cfg.dataDir ];
    };
  };
}
