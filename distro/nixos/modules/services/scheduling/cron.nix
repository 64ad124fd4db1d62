# cron.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.cron;
in

{
  options.services.cron = {
    enable = lib.mkEnableOption "cron, which runs commands at set times" // {
      default = cfg.systemCronJobs != [ ] || cfg.cronFiles != [ ];
      defaultText = lib.literalMD "true if there are jobs";
    };
    mailto = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Who gets the commands' output.";
    };
    systemCronJobs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "*/5 * * * * root date >> /tmp/cron.log" ];
      description = "Lines of {file}`/etc/crontab`.";
    };
    cronFiles = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = "Further crontabs.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.cron ];
    environment.etc.crontab = {
      text = ''
        SHELL=/bin/sh
        PATH=${config.security.wrapperDir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
        ${lib.optionalString (cfg.mailto != null) "MAILTO=${cfg.mailto}"}
        ${lib.concatStringsSep "\n" cfg.systemCronJobs}
        ${lib.concatMapStringsSep "\n" builtins.readFile cfg.cronFiles}
      '';
      mode = "0600";
    };
    systemd.services.cron = { overrideStrategy = "asDropin"; wantedBy = [ "multi-user.target" ]; };
    security.wrappers.crontab = {
      source = "${pkgs.cron}/usr/bin/crontab";
      owner = "root";
      group = "crontab";
      setgid = true;
      permissions = "u+rx,g+rx,o+rx";
      links = [ "usr/bin/crontab" ];
    };
    systemd.tmpfiles.rules = [ "d /var/spool/cron/crontabs 1730 root crontab -" ];
  };
}
