# /etc/resolv.conf where systemd-resolved does not make it.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.networking.resolvconf;
  networking = config.networking;
  static = networking.nameservers != [ ] || networking.search != [ ];
in

{
  options.networking.resolvconf = {
    enable = mkOption {
      type = types.bool;
      default = !config.services.resolved.enable;
      defaultText = lib.literalExpression "!config.services.resolved.enable";
      description = "Whether {file}`/etc/resolv.conf` is written from the configuration.";
    };
    dnsSingleRequest = mkOption {
      type = types.bool;
      default = false;
      description = "Whether IPv4 and IPv6 addresses are asked for one after the other.";
    };
    dnsExtensionMechanism = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the extension mechanism EDNS is used.";
    };
    extraOptions = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "ndots:1" "rotate" ];
      description = "Further resolver options.";
    };
    useLocalResolver = mkOption {
      type = types.bool;
      default = false;
      description = "Whether a resolver on this machine is asked.";
    };
  };

  config = mkIf (cfg.enable && (static || cfg.useLocalResolver)) {
    environment.etc."resolv.conf".text =
      let
        servers = if cfg.useLocalResolver then [ "127.0.0.1" ] else networking.nameservers;
        resolverOptions = cfg.extraOptions
          ++ lib.optional cfg.dnsSingleRequest "single-request"
          ++ lib.optional cfg.dnsExtensionMechanism "edns0";
      in
      lib.optionalString (networking.search != [ ]) "search ${lib.concatStringsSep " " networking.search}\n"
      + lib.concatMapStrings (server: "nameserver ${server}\n") servers
      + lib.optionalString (resolverOptions != [ ]) "options ${lib.concatStringsSep " " resolverOptions}\n";
  };
}
