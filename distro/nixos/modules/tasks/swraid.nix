# Software RAID.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.boot.swraid;
in

{
  options.boot.swraid = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether arrays are put together when the system starts (by udev; an array with the root
        file system needs `boot.initrd` to do it).
      '';
    };
    mdadmConf = mkOption {
      type = types.lines;
      default = "";
      description = "Text of {file}`mdadm.conf`.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ pkgs.mdadm ];
    boot.kernelModules = [ "md_mod" ];
    environment.etc."mdadm/mdadm.conf".text = "HOMEHOST <system>\n" + cfg.mdadmConf;
  };
}
