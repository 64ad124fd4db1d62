# The message bus. dbus-broker by default: what Debian's systemd installations run best with, and
# it needs no setuid helper since the manager starts its services.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.services.dbus;
  broker = cfg.implementation == "broker";
in

{
  options.services.dbus = {
    enable = mkOption {
      type = types.bool;
      default = true;
      internal = true;
      description = "Whether the message bus runs.";
    };
    implementation = mkOption {
      type = types.enum [ "dbus" "broker" ];
      default = "broker";
      description = "Which program is the bus: the reference daemon or dbus-broker.";
    };
    packages = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = ''
        Packages whose services and policies the bus knows; they become part of the system.
      '';
    };
    apparmor = mkOption {
      type = types.enum [ "enabled" "disabled" "required" ];
      default = "disabled";
      description = "Accepted for compatibility.";
    };
  };

  config = mkIf cfg.enable {
    environment.systemPackages =
      [ pkgs.dbus-system-bus-common pkgs.dbus-session-bus-common pkgs.dbus-bin pkgs.dbus-user-session ]
      ++ (if broker then [ pkgs.dbus-broker ] else [ ])
      ++ [ pkgs.dbus pkgs.dbus-daemon ]
      ++ lib.filter lib.isDerivation cfg.packages;

    systemd.services = mkIf broker {
      # Alias=dbus.service of dbus-broker's unit; a link in /etc wins over the other daemon's unit.
      dbus-broker = { overrideStrategy = "asDropin"; aliases = [ "dbus.service" ]; };
    };
    systemd.user.services = mkIf broker {
      dbus-broker = { overrideStrategy = "asDropin"; aliases = [ "dbus.service" ]; };
    };
    systemd.sockets.dbus = { overrideStrategy = "asDropin"; wantedBy = [ "sockets.target" ]; };
    systemd.user.sockets.dbus = { overrideStrategy = "asDropin"; wantedBy = [ "sockets.target" ]; };

    security.wrappers.dbus-daemon-launch-helper = mkIf (!broker) {
      source = "${pkgs.dbus}/usr/lib/dbus-1.0/dbus-daemon-launch-helper";
      owner = "root";
      group = "messagebus";
      setuid = true;
      permissions = "u+rx,g+rx,o-rx";
      links = [ "usr/lib/dbus-1.0/dbus-daemon-launch-helper" ];
    };

  };
}
