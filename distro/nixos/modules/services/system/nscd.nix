# A cache for name look-ups: not needed here, since programs of one system share one libc.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.nscd;
in

{
  options.services.nscd = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether nscd runs.";
    };
    enableNsncd = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Accepted for compatibility.";
    };
    config = lib.mkOption {
      type = lib.types.lines;
      default = "";
      description = "The file {file}`nscd.conf`; empty for the package's.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.nscd ];
    environment.etc."nscd.conf" = lib.mkIf (cfg.config != "") { text = cfg.config; };
    systemd.services.nscd = { overrideStrategy = "asDropin"; wantedBy = [ "multi-user.target" ]; };
  };
}
