# RealtimeKit: gives programs of users, such as sound servers, a real-time priority.
{ config, lib, pkgs, ... }:

{
  options.security.rtkit.enable =
    lib.mkEnableOption "RealtimeKit, which gives processes of users real-time priority on request";

  config = lib.mkIf config.security.rtkit.enable {
    environment.systemPackages = [ pkgs.rtkit ];
    security.polkit.enable = true;
    users.users.rtkit = { isSystemUser = true; group = "rtkit"; home = "/proc"; };
    users.groups.rtkit = { };
  };
}
