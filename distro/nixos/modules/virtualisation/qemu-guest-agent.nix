# The agent by which a host speaks to its QEMU guest.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.qemuGuest;
in

{
  options.services.qemuGuest = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether the agent runs.";
    };
    package = lib.mkPackageOption pkgs "qemu-guest-agent" { };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    # The package's own rule starts the service when the channel to the host appears.
    systemd.services.qemu-guest-agent.overrideStrategy = "asDropin";
  };
}
