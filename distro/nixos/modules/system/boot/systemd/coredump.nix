# systemd-coredump: what becomes of processes that crash.
{ config, lib, pkgs, utils, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.systemd.coredump;
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "systemd" "coredump" "extraConfig" ] "Use systemd.coredump.settings.Coredump instead.")
  ];

  options.systemd.coredump = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the memory of processes that crash is kept by systemd-coredump. Without it the
        kernel writes a file `core`, if limits allow it.
      '';
    };
    settings.Coredump = mkOption {
      type = types.submodule { freeformType = types.attrsOf utils.systemdUtils.lib.unitOption; };
      default = { };
      example = { Storage = "journal"; };
      description = "Settings, see {manpage}`coredump.conf(5)`.";
    };
  };

  # Socket and kernel.core_pattern come with the package.
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.systemd-coredump ];
    environment.etc."systemd/coredump.conf".text = utils.systemdUtils.lib.settingsToSections {
      Coredump = cfg.settings.Coredump;
    };
  };
}
