# systemd-journald.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.journald;
in

{
  options.services.journald = {
    console = mkOption {
      type = types.str;
      default = "";
      description = "Terminal that all messages are shown on; empty for none.";
    };
    rateLimitInterval = mkOption {
      type = types.str;
      default = "30s";
      description = "Interval of the rate limit.";
    };
    rateLimitBurst = mkOption {
      type = types.int;
      default = 10000;
      description = "Messages a service may send in the interval; 0 for any number.";
    };
    storage = mkOption {
      type = types.enum [ "persistent" "volatile" "auto" "none" ];
      default = "persistent";
      description = "Where the journal is kept.";
    };
    audit = mkOption {
      type = types.nullOr (types.oneOf [ types.bool (types.enum [ "keep" ]) ]);
      default = null;
      description = "Whether the kernel's audit is turned on; null leaves the journal's default.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      example = "Storage=volatile";
      description = "Lines added to {file}`journald.conf`.";
    };
    forwardToSyslog = mkOption {
      type = types.bool;
      default = false;
      description = "Whether messages are handed to a syslog daemon.";
    };
  };

  config = {
    environment.etc."systemd/journald.conf".text = ''
      [Journal]
      Storage=${cfg.storage}
      RateLimitInterval=${cfg.rateLimitInterval}
      RateLimitBurst=${toString cfg.rateLimitBurst}
      ForwardToSyslog=${if cfg.forwardToSyslog then "yes" else "no"}
    ''
    + lib.optionalString (cfg.console != "") "ForwardToConsole=yes\nTTYPath=${cfg.console}\n"
    + lib.optionalString (cfg.audit != null)
      "Audit=${if cfg.audit == true then "yes" else if cfg.audit == false then "no" else cfg.audit}\n"
    + cfg.extraConfig;
  };
}
