# UDisks: disks for users.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.udisks2;
  ini = settings: lib.concatStrings (lib.mapAttrsToList (name: values:
    "[${name}]\n" + lib.concatStrings (lib.mapAttrsToList (key: value:
      "${key}=${if builtins.isList value then lib.concatMapStringsSep "," toString value else toString value}\n") values)) settings);
in

{
  options.services.udisks2 = {
    enable = lib.mkEnableOption "UDisks, by which users mount disks";
    mountOnMedia = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether disks appear below {file}`/media` instead of {file}`/run/media`.";
    };
    settings = lib.mkOption {
      type = lib.types.attrsOf (lib.types.attrsOf (lib.types.attrsOf lib.types.anything));
      default = { };
      description = "Files below {file}`/etc/udisks2`: name, section, setting.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.udisks2 ];
    security.polkit.enable = true;
    services.udev.extraRules = lib.mkIf cfg.mountOnMedia ''ENV{ID_FS_USAGE}=="filesystem", ENV{UDISKS_FILESYSTEM_SHARED}="1"'';
    environment.etc = lib.mapAttrs' (name: settings: lib.nameValuePair "udisks2/${name}" { text = ini settings; }) cfg.settings;
    systemd.services.udisks2 = {
      overrideStrategy = "asDropin";
      wantedBy = [ "graphical.target" ];
    };
    systemd.tmpfiles.rules = [ "d /var/lib/udisks2 0700 root root -" ];
  };
}
