# mtr: its helper needs raw sockets.
{ config, lib, pkgs, ... }:

let
  cfg = config.programs.mtr;
in

{
  options.programs.mtr = {
    enable = lib.mkEnableOption "mtr, with the right to send raw packets";
    package = lib.mkPackageOption pkgs "mtr-tiny" { };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    security.wrappers.mtr-packet = {
      source = "${cfg.package}/usr/bin/mtr-packet";
      owner = "root";
      group = "root";
      capabilities = "cap_net_raw+ep";
      permissions = "u+rx,g+rx,o+rx";
      links = [ "usr/bin/mtr-packet" ];
    };
  };
}
