# Packet filter rules written by hand, for nftables.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.networking.nftables;

  tables = lib.filter (table: table.enable) (builtins.attrValues cfg.tables);
  # "table x { }; delete table x" empties a table whether it was there or not.
  tableText = table: ''
    table ${table.family} ${table.name} {
    }
    delete table ${table.family} ${table.name}
    table ${table.family} ${table.name} {
      ${table.content}
    }
  '';
  rules = pkgs.writeText "nftables-rules" (
    "#!/usr/sbin/nft -f\n"
    + lib.optionalString cfg.flushRuleset "flush ruleset\n"
    + lib.concatMapStrings tableText tables
    + cfg.ruleset + "\n"
    + lib.optionalString (cfg.rulesetFile != null) ''include "${toString cfg.rulesetFile}"'' + "\n");
  removal = pkgs.writeText "nftables-removal" (
    if cfg.flushRuleset then "flush ruleset\n"
    else lib.concatMapStrings (table: "table ${table.family} ${table.name} {\n}\ndelete table ${table.family} ${table.name}\n") tables);
in

{
  options.networking.nftables = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the rules below are loaded.";
    };
    checkRuleset = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted for compatibility: rules are checked when they are loaded.";
    };
    flushRuleset = mkOption {
      type = types.bool;
      default = cfg.rulesetFile != null || cfg.ruleset != "";
      defaultText = lib.literalMD "true if there is a ruleset";
      description = "Whether all other rules are removed when these are loaded.";
    };
    ruleset = mkOption {
      type = types.lines;
      default = "";
      description = "Rules, in the language of nft(8).";
    };
    rulesetFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "File of rules.";
    };
    extraDeletions = mkOption {
      type = types.lines;
      default = "";
      description = "Accepted for compatibility.";
    };
    tables = mkOption {
      default = { };
      description = "Tables, each replaced as a whole.";
      type = types.attrsOf (types.submodule ({ name, ... }: {
        options = {
          enable = mkOption {
            type = types.bool;
            default = true;
            description = "Whether the table is loaded.";
          };
          name = mkOption { type = types.str; default = name; description = "Name of the table."; };
          family = mkOption {
            type = types.enum [ "ip" "ip6" "inet" "arp" "bridge" "netdev" ];
            description = "Family of the table.";
          };
          content = mkOption {
            type = types.lines;
            description = "What stands between the braces.";
          };
        };
      }));
    };
  };

  config = mkIf cfg.enable {
    environment.systemPackages = [ pkgs.nftables ];
    systemd.services.nftables = {
      overrideStrategy = "asDropin";
      wantedBy = [ "sysinit.target" ];
      reloadIfChanged = true;
      serviceConfig = {
        ExecStart = [ "" "/usr/sbin/nft -f ${rules}" ];
        ExecReload = [ "" "/usr/sbin/nft -f ${rules}" ];
        ExecStop = [ "" "/usr/sbin/nft -f ${removal}" ];
      };
    };
  };
}
