# Wireless networks by wpa_supplicant.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.networking.wireless;

  quoted = text: ''"${text}"'';
  networkText = network:
    let
      secured = network.psk != null || network.pskRaw != null || network.auth != null;
      methods = if network.authProtocols == [ ] then [ ] else network.authProtocols;
      lines =
        [ ''ssid="${network.ssid}"'' ]
        ++ lib.optional (network.psk != null) "psk=${quoted network.psk}"
        ++ lib.optional (network.pskRaw != null) "psk=${network.pskRaw}"
        ++ lib.optional network.hidden "scan_ssid=1"
        ++ (if secured then lib.optional (methods != [ ]) "key_mgmt=${lib.concatStringsSep " " methods}" else [ "key_mgmt=NONE" ])
        ++ lib.optional (network.priority != null) "priority=${toString network.priority}"
        ++ lib.optional (network.auth != null) network.auth
        ++ lib.optional (network.extraConfig != "") network.extraConfig;
    in
    "network={\n  ${lib.concatStringsSep "\n  " lines}\n}\n";

  networks = builtins.attrValues cfg.networks;
  configText =
    lib.optionalString cfg.userControlled "ctrl_interface=DIR=/run/wpa_supplicant GROUP=wheel\nupdate_config=1\n"
    + lib.optionalString (cfg.secretsFile != null) "ext_password_backend=file:${cfg.secretsFile}\n"
    + lib.optionalString (cfg.scanOnLowSignal) "bgscan=\"simple:30:-70:3600\"\n"
    + lib.optionalString (cfg.extraConfig != "") (cfg.extraConfig + "\n")
    + lib.concatMapStrings networkText networks;
  declared = networks != [ ] || cfg.extraConfig != "" || cfg.userControlled || cfg.secretsFile != null;
  file = if cfg.allowAuxiliaryImperativeNetworks || !declared then "/etc/wpa_supplicant.conf" else "/etc/wpa_supplicant/nixos.conf";

in

{
  options.networking.wireless = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether wpa_supplicant runs.";
    };
    interfaces = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "wlan0" ];
      description = "Interfaces it serves; empty for all.";
    };
    driver = mkOption {
      type = types.str;
      default = "nl80211,wext";
      description = "Drivers of wpa_supplicant.";
    };
    allowAuxiliaryImperativeNetworks = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether networks in {file}`/etc/wpa_supplicant.conf` count besides the declared ones.
      '';
    };
    scanOnLowSignal = mkOption {
      type = types.bool;
      default = true;
      description = "Whether better access points are looked for when the signal is weak.";
    };
    fallbackToWPA2 = mkOption {
      type = types.bool;
      default = true;
      description = "Accepted for compatibility.";
    };
    userControlled = mkOption {
      type = types.coercedTo (types.attrsOf types.anything) (value: value.enable or false) types.bool;
      default = false;
      description = "Whether members of `wheel` may control it (wpa_cli).";
    };
    extraConfig = mkOption {
      type = types.str;
      default = "";
      description = "Text added to the configuration.";
    };
    dbusControlled = mkOption {
      type = types.bool;
      default = true;
      description = "Whether other programs control it over the message bus.";
    };
    secretsFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = "/run/secrets/wireless.conf";
      description = ''
        File with a line `name=secret` for each `ext:name` that stands in place of a `pskRaw`, or in
        `auth`.
      '';
    };
    networks = mkOption {
      default = { };
      example = { echelon.psk = "abcdefgh"; "free.wifi" = { }; };
      description = "Known networks, by name.";
      type = types.attrsOf (types.submodule ({ name, ... }: {
        options = {
          ssid = mkOption {
            type = types.str;
            default = name;
            description = "Name of the network.";
          };
          psk = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "Password; everybody can read it in the store.";
          };
          pskRaw = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "The key itself, in hexadecimal digits.";
          };
          authProtocols = mkOption {
            type = types.listOf types.str;
            default = [ "WPA-PSK" "WPA-EAP" "SAE" "FT-PSK" "FT-EAP" "FT-SAE" ];
            description = "Accepted protocols.";
          };
          auth = mkOption {
            type = types.nullOr types.str;
            default = null;
            description = "Lines about authentication.";
          };
          hidden = mkOption {
            type = types.bool;
            default = false;
            description = "Whether the network does not announce itself.";
          };
          priority = mkOption {
            type = types.nullOr types.int;
            default = null;
            description = "Priority among networks.";
          };
          extraConfig = mkOption {
            type = types.str;
            default = "";
            description = "Text added to the network's block.";
          };
        };
      }));
    };
  };

  config = mkIf cfg.enable {
    assertions = map (network: {
      assertion = lib.count (value: value != null) [ network.psk network.pskRaw network.auth ] <= 1;
      message = "networking.wireless.networks.${network.ssid}: only one of psk, pskRaw and auth can be set.";
    }) networks;

    environment.systemPackages = [ pkgs.wpasupplicant pkgs.iw ];
    hardware.wirelessRegulatoryDatabase = true;

    environment.etc."wpa_supplicant/nixos.conf" = mkIf declared {
      text = configText;
      mode = "0600";
    };

    # A device that comes later (its firmware takes time, or it is plugged in) starts the service.
    services.udev.extraRules = lib.mkIf (cfg.interfaces == [ ]) ''
      ACTION=="add", SUBSYSTEM=="net", ENV{DEVTYPE}=="wlan", TAG+="systemd", ENV{SYSTEMD_WANTS}+="wireless-networks.service"
    '';

    systemd.services.wireless-networks = {
      description = "WPA supplicant for all wireless interfaces";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network.target" ];
      before = [ "network.target" ];
      after = [ "dbus.service" ];
      unitConfig.ConditionPathExistsGlob = lib.mkIf (cfg.interfaces == [ ]) "/sys/class/net/*/wireless";
      serviceConfig = {
        ExecStart = toString (pkgs.writeShellScript "wireless-networks" ''
          [ -e ${file} ] || { umask 077; echo 'ctrl_interface=DIR=/run/wpa_supplicant GROUP=wheel' >${file}; }
          arguments=()
          for interface in ${if cfg.interfaces != [ ] then lib.escapeShellArgs cfg.interfaces
            else "$(for path in /sys/class/net/*/wireless; do basename \"$(dirname \"$path\")\"; done)"}; do
            [ ''${#arguments[@]} -eq 0 ] || arguments+=(-N)
            arguments+=(-i "$interface" -c ${file} ${lib.optionalString (cfg.allowAuxiliaryImperativeNetworks && declared) "-I /etc/wpa_supplicant/nixos.conf"} -D ${cfg.driver})
          done
          exec /usr/sbin/wpa_supplicant ${lib.optionalString cfg.dbusControlled "-u"} -s "''${arguments[@]}"
        '');
        Restart = "on-failure";
      };
    };
  };
}
