# Bluetooth.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.hardware.bluetooth;
in

{
  options.hardware.bluetooth = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether Bluetooth is supported.";
    };
    package = lib.mkPackageOption pkgs "bluez" { };
    powerOnBoot = mkOption {
      type = types.bool;
      default = true;
      description = "Whether adapters are switched on at start.";
    };
    settings = mkOption {
      type = types.attrsOf (types.attrsOf (types.oneOf [ types.bool types.int types.str ]));
      default = { };
      example = { General.ControllerMode = "bredr"; };
      description = "Settings of {file}`main.conf`.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    hardware.bluetooth.settings.Policy.AutoEnable = lib.mkDefault cfg.powerOnBoot;
    environment.etc."bluetooth/main.conf".text = lib.generators.toINI { } cfg.settings;
    systemd.installedUnits = [ "bluetooth.service" ];
  };
}
