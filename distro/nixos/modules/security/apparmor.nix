# AppArmor: Debian's kernel has it built in and on; profiles are loaded only when asked for.
{ config, lib, pkgs, ... }:

let
  cfg = config.security.apparmor;
in

{
  options.security.apparmor = {
    enable = lib.mkEnableOption "confinement of programs by AppArmor, with the profiles of the installed packages";
    packages = lib.mkOption {
      type = lib.types.listOf lib.types.package;
      default = [ ];
      description = "Packages whose profiles are loaded.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.apparmor ] ++ cfg.packages;
    systemd.services.apparmor = {
      overrideStrategy = "asDropin";
      wantedBy = [ "sysinit.target" ];
    };
  };
}
