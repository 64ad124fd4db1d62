# The agent of guests that are seen through SPICE: clipboard and screen size.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.spice-vdagentd;
in

{
  options.services.spice-vdagentd.enable = lib.mkEnableOption "the SPICE guest agent";
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.spice-vdagent ];
    systemd.services.spice-vdagentd = {
      overrideStrategy = "asDropin";
      wantedBy = [ "multi-user.target" ];
    };
  };
}
