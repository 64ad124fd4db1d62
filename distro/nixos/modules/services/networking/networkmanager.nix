# NetworkManager: networks chosen on the machine.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.networking.networkmanager;

  ini = sections: lib.concatStrings (lib.mapAttrsToList (name: values:
    "[${name}]\n" + lib.concatStrings (lib.mapAttrsToList (key: value:
      lib.optionalString (value != null) "${key}=${
        if value == true then "true" else if value == false then "false"
        else if builtins.isList value then lib.concatMapStringsSep "," toString value
        else toString value}\n") values) + "\n") sections);
  macType = types.either types.str (types.enum [ "permanent" "preserve" "random" "stable" "stable-ssid" ]);
  sectionType = types.attrsOf (types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.float types.str (types.listOf types.str) ])));
in

{
  options.networking.networkmanager = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether NetworkManager manages the interfaces; members of `networkmanager` may change them.
      '';
    };
    package = lib.mkPackageOption pkgs "network-manager" { };
    settings = mkOption {
      type = sectionType;
      default = { };
      description = "Settings of NetworkManager.conf(5).";
    };
    unmanaged = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "interface-name:docker0" ];
      description = "Devices it leaves alone.";
    };
    plugins = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages with plugins, such as VPNs.";
    };
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Former name of plugins.";
    };
    dhcp = mkOption {
      type = types.enum [ "dhcpcd" "internal" ];
      default = "internal";
      description = "Which DHCP client is used.";
    };
    dns = mkOption {
      type = types.enum [ "default" "dnsmasq" "systemd-resolved" "none" ];
      default = if config.services.resolved.enable then "systemd-resolved" else "default";
      defaultText = lib.literalExpression ''if config.services.resolved.enable then "systemd-resolved" else "default"'';
      description = "How name servers are passed on.";
    };
    logLevel = mkOption {
      type = types.enum [ "OFF" "ERR" "WARN" "INFO" "DEBUG" "TRACE" ];
      default = "WARN";
      description = "How much is logged.";
    };
    appendNameservers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Name servers after those of the network.";
    };
    insertNameservers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Name servers before those of the network.";
    };
    ethernet.macAddress = mkOption {
      type = macType;
      default = "preserve";
      description = "Hardware address on cables.";
    };
    wifi = {
      macAddress = mkOption {
        type = macType;
        default = "preserve";
        description = "Hardware address in wireless networks.";
      };
      backend = mkOption {
        type = types.enum [ "wpa_supplicant" "iwd" ];
        default = "wpa_supplicant";
        description = "Who speaks to wireless networks.";
      };
      powersave = mkOption {
        type = types.nullOr types.bool;
        default = null;
        description = "Whether wireless devices save power.";
      };
      scanRandMacAddress = mkOption {
        type = types.bool;
        default = true;
        description = "Whether scans use random addresses.";
      };
    };
    dispatcherScripts = mkOption {
      type = types.listOf types.anything;
      default = [ ];
      description = "Accepted for compatibility.";
    };
    ensureProfiles.profiles = mkOption {
      type = types.attrsOf sectionType;
      default = { };
      description = "Connections that are always there.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = !config.networking.wireless.enable || cfg.unmanaged != [ ];
        message = "networking.networkmanager and networking.wireless would both manage wireless interfaces; disable one, or set networking.networkmanager.unmanaged.";
      }
    ];

    environment.systemPackages = [ cfg.package ] ++ cfg.plugins ++ cfg.packages
      ++ lib.optional (cfg.wifi.backend == "wpa_supplicant") pkgs.wpasupplicant
      ++ lib.optional (cfg.wifi.backend == "iwd") pkgs.iwd
      ++ lib.optional (cfg.dhcp == "dhcpcd") pkgs.dhcpcd-base
      ++ lib.optional (cfg.dns == "dnsmasq") pkgs.dnsmasq-base;
    hardware.wirelessRegulatoryDatabase = true;
    security.polkit.enable = true;
    security.polkit.extraConfig = ''
      polkit.addRule(function(action, subject) {
        if (subject.isInGroup("networkmanager") &&
            (action.id.indexOf("org.freedesktop.NetworkManager.") == 0 ||
             action.id.indexOf("org.freedesktop.ModemManager") == 0)) {
          return polkit.Result.YES;
        }
      });
    '';
    users.groups.networkmanager.gid = lib.mkDefault 401;
    services.resolved.enable = lib.mkDefault true;

    networking.networkmanager.settings = {
      main = {
        plugins = lib.mkDefault "keyfile";
        dhcp = lib.mkDefault cfg.dhcp;
        dns = lib.mkDefault cfg.dns;
      };
      keyfile.unmanaged-devices = mkIf (cfg.unmanaged != [ ]) (lib.concatStringsSep ";" cfg.unmanaged);
      logging = {
        audit = lib.mkDefault config.security.apparmor.enable;
        level = lib.mkDefault cfg.logLevel;
      };
      device = {
        "wifi.scan-rand-mac-address" = lib.mkDefault cfg.wifi.scanRandMacAddress;
        "wifi.backend" = lib.mkDefault cfg.wifi.backend;
      };
      connection = {
        "ethernet.cloned-mac-address" = lib.mkDefault cfg.ethernet.macAddress;
        "wifi.cloned-mac-address" = lib.mkDefault cfg.wifi.macAddress;
        "wifi.powersave" = mkIf (cfg.wifi.powersave != null) (if cfg.wifi.powersave then 3 else 2);
      };
    };

    environment.etc = {
      "NetworkManager/NetworkManager.conf".text = ini cfg.settings;
    }
    // lib.mapAttrs' (name: profile: lib.nameValuePair "NetworkManager/system-connections/${name}.nmconnection" {
      text = ini profile;
      mode = "0600";
    }) cfg.ensureProfiles.profiles
    // lib.optionalAttrs (cfg.appendNameservers != [ ] || cfg.insertNameservers != [ ]) {
      "NetworkManager/conf.d/nameservers.conf".text = ini {
        global-dns-domain-nameservers = { };
        "global-dns-domain-*".servers = cfg.insertNameservers ++ cfg.appendNameservers;
      };
    };

    systemd.services = {
      NetworkManager = {
        overrideStrategy = "asDropin";
        wantedBy = [ "multi-user.target" ];
        aliases = [ "dbus-org.freedesktop.NetworkManager.service" ];
      };
      NetworkManager-wait-online = {
        overrideStrategy = "asDropin";
        wantedBy = [ "network-online.target" ];
      };
      NetworkManager-dispatcher = {
        overrideStrategy = "asDropin";
        aliases = [ "dbus-org.freedesktop.nm-dispatcher.service" ];
      };
    }
    // lib.optionalAttrs (cfg.wifi.backend == "wpa_supplicant") {
      wpa_supplicant = {
        overrideStrategy = "asDropin";
        aliases = [ "dbus-fi.w1.wpa_supplicant1.service" ];
      };
    };
    systemd.tmpfiles.rules = [
      "d /var/lib/NetworkManager 0700 root root -"
      "d /etc/NetworkManager/system-connections 0700 root root -"
    ];
  };
}
