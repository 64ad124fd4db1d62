# Firmware for devices.
#
# hardware.firmware is a list of packages; their merged tree becomes toplevel/firmware, to which
# /usr/lib/firmware leads.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.hardware;

  # Every redistributable firmware of Debian's non-free-firmware area that a kernel driver loads.
  redistributable = lib.filter pkgs.debian.hasPackage [
    "firmware-amd-graphics"
    "firmware-atheros"
    "firmware-bnx2"
    "firmware-bnx2x"
    "firmware-brcm80211"
    "firmware-cavium"
    "firmware-intel-graphics"
    "firmware-intel-misc"
    "firmware-intel-sound"
    "firmware-iwlwifi"
    "firmware-libertas"
    "firmware-linux-free"
    "firmware-mediatek"
    "firmware-misc-nonfree"
    "firmware-myricom"
    "firmware-netxen"
    "firmware-nvidia-graphics"
    "firmware-qlogic"
    "firmware-realtek"
    "firmware-sof-signed"
    "firmware-ti-connectivity"
    "firmware-zd1211"
  ]
  # Qualcomm's systems on a chip: 300 MB that no PC reads.
  ++ lib.optional (pkgs.system == "aarch64-linux") "firmware-qcom-soc";
in

{
  imports = [
    (lib.mkRenamedOptionModule [ "networking" "enableRT73Firmware" ] [ "hardware" "enableRedistributableFirmware" ])
    (lib.mkRenamedOptionModule [ "networking" "enableIntel3945ABGFirmware" ] [ "hardware" "enableRedistributableFirmware" ])
    (lib.mkRenamedOptionModule [ "networking" "enableIntel2100BGFirmware" ] [ "hardware" "enableRedistributableFirmware" ])
    (lib.mkRenamedOptionModule [ "networking" "enableRalinkFirmware" ] [ "hardware" "enableRedistributableFirmware" ])
    (lib.mkRenamedOptionModule [ "networking" "enableRTL8192cFirmware" ] [ "hardware" "enableRedistributableFirmware" ])
  ];

  options.hardware = {
    firmware = mkOption {
      type = types.listOf types.package;
      default = [ ];
      apply = packages: pkgs.mergeTrees {
        name = "firmware";
        trees = lib.unique packages;
        exclude = [ "usr/share" ];
      };
      description = ''
        Packages with firmware files; where two have the same file it must be the same.
      '';
    };
    enableAllFirmware = mkOption {
      type = types.bool;
      default = false;
      description = "Whether all firmware is there, whatever its licence.";
    };
    enableRedistributableFirmware = mkOption {
      type = types.bool;
      default = cfg.enableAllFirmware;
      defaultText = lib.literalExpression "config.hardware.enableAllFirmware";
      description = "Whether all firmware is there that may be redistributed.";
    };
    wirelessRegulatoryDatabase = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the kernel knows the rules for wireless transmissions in each country.
      '';
    };
  };

  config = lib.mkMerge [
    { system.build.firmware = cfg.firmware; }
    (mkIf cfg.enableRedistributableFirmware {
      hardware.firmware = map (name: pkgs.${name}) redistributable;
      hardware.wirelessRegulatoryDatabase = true;
    })
    (mkIf cfg.enableAllFirmware {
      hardware.firmware = map (name: pkgs.${name}) (lib.filter pkgs.debian.hasPackage [ "firmware-ast" "firmware-ath9k-htc" "firmware-carl9170" ]);
    })
    (mkIf cfg.wirelessRegulatoryDatabase {
      hardware.firmware = [
        # The database itself; Debian's package names the file by an alternative.
        (pkgs.writeTree {
          name = "regulatory-database";
          entries = map (name: {
            path = "usr/lib/firmware/${name}";
            source = "${pkgs.wireless-regdb}/usr/lib/firmware/${name}-debian";
          }) [ "regulatory.db" "regulatory.db.p7s" ];
        })
      ];
    })
  ];
}
