# Text consoles: font, key map, colours.
#
# Debian has no systemd-vconsole-setup; a service of ours runs kbd's loadkeys and setfont, and only
# when something else than the kernel's own font and US key map is asked for. Key maps come from
# console-data, fonts from console-setup-linux.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.console;

  known = import ./key-maps.nix;
  # A package may bring maps of any name.
  isKeyMap = value: !(builtins.isString value) || lib.hasPrefix "/" value || cfg.packages != [ ]
    || lib.elem value ([ "" "us" ] ++ known.names) || known.aliases ? ${value};
  keyMapIsFile = !(builtins.isString cfg.keyMap) || lib.hasPrefix "/" cfg.keyMap;
  keyMap = if keyMapIsFile then toString cfg.keyMap else known.aliases.${cfg.keyMap} or cfg.keyMap;
  loadsKeys = cfg.keyMap != "us" && cfg.keyMap != "";
  setsFont = cfg.font != null;
  isActive = cfg.enable && (loadsKeys || setsFont);

  # The six hexadecimal digits of a colour → its part as a decimal number.
  part = offset: color: toString (lib.fromHexString (builtins.substring offset 2 color));
  colorsParameter = offset: lib.concatMapStringsSep "," (part offset) cfg.colors;

  script = pkgs.writeScript "console-setup" ''
    #!/bin/sh
    # Applies the console's key map and font; a console that takes neither (serial) is no error.
    status=0
    ${lib.optionalString loadsKeys ''
      /usr/bin/loadkeys -q -C /dev/tty1 -u ${lib.escapeShellArg keyMap} </dev/tty1 || status=$?
    ''}
    ${lib.optionalString setsFont ''
      for number in 1 2 3 4 5 6; do
        [ -c "/dev/tty$number" ] || continue
        /usr/bin/setfont -C "/dev/tty$number" ${lib.escapeShellArg (toString cfg.font)} 2>/dev/null || :
      done
    ''}
    exit "$status"
  '';
in

{
  imports = [
    (lib.mkRenamedOptionModule [ "i18n" "consoleFont" ] [ "console" "font" ])
    (lib.mkRenamedOptionModule [ "i18n" "consoleKeyMap" ] [ "console" "keyMap" ])
    (lib.mkRenamedOptionModule [ "i18n" "consoleColors" ] [ "console" "colors" ])
    (lib.mkRenamedOptionModule [ "i18n" "consolePackages" ] [ "console" "packages" ])
    (lib.mkRenamedOptionModule [ "i18n" "consoleUseXkbConfig" ] [ "console" "useXkbConfig" ])
    (lib.mkRenamedOptionModule [ "boot" "earlyVconsoleSetup" ] [ "console" "earlySetup" ])
    (lib.mkRenamedOptionModule [ "boot" "extraTTYs" ] [ "console" "extraTTYs" ])
  ];

  options.console = {
    enable = lib.mkEnableOption "virtual consoles" // { default = true; };
    font = mkOption {
      type = types.nullOr (types.either types.str types.path);
      default = null;
      example = "Lat15-Terminus16";
      description = ''
        Console font: a name below {file}`/usr/share/consolefonts`, a file, or null for the
        kernel's.
      '';
    };
    keyMap = mkOption {
      type = types.addCheck (types.either types.str types.path) isKeyMap // {
        description = "name of a key map of Debian's console-data, or path";
        knownNames = known.names ++ builtins.attrNames known.aliases;
      };
      default = "us";
      example = "fr";
      description = "Key map: a name below {file}`/usr/share/keymaps`, or a file.";
    };
    colors = mkOption {
      type = types.listOf (types.strMatching "[[:xdigit:]]{6}");
      default = [ ];
      example = [ "002b36" "dc322f" ];
      description = "The sixteen colours of the console, as hexadecimal digits.";
    };
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Further packages with fonts and key maps.";
    };
    extraTTYs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "tty8" "tty9" ];
      description = "Further consoles that get a login.";
    };
    useXkbConfig = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility; the key map is {option}`console.keyMap`.";
    };
    earlySetup = mkOption {
      type = types.bool;
      default = false;
      description = "Set font and key map before the file systems are there.";
    };
  };

  config = lib.mkMerge [
    {
      environment.etc."vconsole.conf".text =
        "KEYMAP=${keyMap}\n" + lib.optionalString setsFont "FONT=${toString cfg.font}\n";
    }
    (mkIf isActive {
      environment.systemPackages = [ pkgs.kbd ]
        ++ lib.optional (loadsKeys && !keyMapIsFile) pkgs.console-data
        ++ lib.optional (setsFont && !(lib.hasPrefix "/" (toString cfg.font))) pkgs.console-setup-linux
        ++ cfg.packages;
      systemd.services.console-font-and-keys = {
        description = "Set the console's font and key map";
        wantedBy = [ (if cfg.earlySetup then "sysinit.target" else "multi-user.target") ];
        before = [ "getty-pre.target" ];
        wants = [ "getty-pre.target" ];
        after = [ "systemd-udev-settle.service" ];
        unitConfig = {
          ConditionPathExists = "/dev/tty1";
          DefaultDependencies = !cfg.earlySetup;
        };
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = toString script;
        };
      };
    })
    (mkIf (cfg.colors != [ ]) {
      boot.kernelParams = [
        "vt.default_red=${colorsParameter 0}"
        "vt.default_grn=${colorsParameter 2}"
        "vt.default_blu=${colorsParameter 4}"
      ];
    })
    (mkIf (cfg.extraTTYs != [ ]) {
      systemd.targets.getty.wants = map (tty: "getty@${tty}.service") cfg.extraTTYs;
    })
  ];
}
