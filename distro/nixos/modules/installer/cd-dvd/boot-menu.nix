# The boot menus of an ISO image: the same entries for isolinux (BIOS) and GRUB (UEFI, loopback).
#
# Each configuration that is to be shown (the system, then its specialisations) has an entry for
# ordinary use and one for each way of starting it differently. Both menus can be used on a screen
# and over a serial line: each entry has a letter.
{ config, lib, pkgs }:

let
  inherit (lib) concatMap concatMapStrings concatStrings concatStringsSep optionalString;
  inherit (config.boot.loader) timeout;

  label = cfg: concatStrings [
    cfg.isoImage.prependToMenuLabel
    cfg.system.nixos.distroName
    " "
    cfg.system.nixos.label
    cfg.isoImage.appendToMenuLabel
    (optionalString (cfg.isoImage.configurationName != null) " ${cfg.isoImage.configurationName}")
  ];

  # Ways of starting a system. A caret stands before the letter that chooses the entry.
  variants = [
    { id = ""; title = ""; key = null; parameters = [ ]; }
    { id = "-copytoram"; title = "copy to ^RAM"; key = "r"; parameters = [ "copytoram" ]; }
    {
      id = "-serial";
      title = "^serial console";
      key = "s";
      parameters = [ "console=tty0" "console=ttyS0,115200n8" ];
    }
    { id = "-nomodeset"; title = "^text mode, no graphics driver"; key = "t"; parameters = [ "nomodeset" ]; }
    {
      id = "-debug";
      title = "^debug messages";
      key = "d";
      parameters = [ "debug" "loglevel=7" "systemd.log_level=debug" "systemd.log_target=console" ];
    }
  ];

  # Where the kernel and the initrd of each configuration are on the image.
  systems =
    let
      visible = filterShown ([ { name = ""; cfg = config; } ] ++ specialisations);
      filterShown = lib.filter (system: system.cfg.isoImage.showConfiguration);
      specialisations = lib.mapAttrsToList (name: specialisation: {
        inherit name;
        cfg = specialisation.configuration;
      }) config.specialisation;
    in
    map (system: system // rec {
      folder = if system.name == "" then "/boot" else "/boot/${system.name}";
      kernel = "${folder}/${system.cfg.system.boot.loader.kernelFile}";
      initrd = "${folder}/${system.cfg.system.boot.loader.initrdFile}";
    }) visible;

  entries = concatMap (system: map (variant: {
    id = "boot${optionalString (system.name != "") "-${system.name}"}${variant.id}";
    title = label system.cfg + optionalString (variant.title != "") " (${variant.title})";
    # Only one entry of the menu can have a letter.
    key = if system.name == "" then variant.key else null;
    inherit (system) kernel initrd;
    parameters = concatStringsSep " " (
      [ "init=${system.cfg.system.build.toplevel}/init" ] ++ system.cfg.boot.kernelParams
      ++ variant.parameters
    );
  }) variants) systems;

  plain = lib.replaceStrings [ "^" ] [ "" ];

  memtest = config.boot.loader.grub.memtest86;

  # --------------------------------------------------------------------------------- isolinux

  isolinuxEntry = entry: ''

    LABEL ${entry.id}
      MENU LABEL ${if entry.key == null then plain entry.title else entry.title}
      LINUX ${entry.kernel}
      INITRD ${entry.initrd}
      APPEND ${entry.parameters}
  '';

  hasSplash = config.isoImage.splashImage != null;

  isolinux = ''
    SERIAL 0 115200
    TIMEOUT ${toString (if timeout == null then 35996 else timeout * 10)}
    UI ${if hasSplash then "vesamenu.c32" else "menu.c32"}
    ${optionalString hasSplash "MENU BACKGROUND /isolinux/background.png"}
    ${config.isoImage.syslinuxTheme}

    DEFAULT ${(lib.head entries).id}
    ${concatMapStrings isolinuxEntry entries}
    ${optionalString memtest.enable ''
      LABEL memtest
        MENU LABEL ^Memory test (Memtest86+)
        LINUX /boot/memtest.bin
        APPEND ${concatStringsSep " " memtest.params}
    ''}
    LABEL reboot
      MENU LABEL Restart
      COM32 reboot.c32

    LABEL poweroff
      MENU LABEL Power off
      COM32 poweroff.c32
  '';

  # ------------------------------------------------------------------------------------- GRUB

  grubEntry = entry: ''

    menuentry '${lib.replaceStrings [ "'" ] [ "" ] (plain entry.title)}' ${
      optionalString (entry.key != null) "--hotkey=${entry.key} "
    }--id ${entry.id} {
      linux ${entry.kernel} ''${isoboot} ${entry.parameters}
      initrd ${entry.initrd}
    }
  '';

  isGraphical = !config.isoImage.forceTextMode
    && (config.isoImage.grubTheme != null || config.isoImage.efiSplashImage != null);

  # With Secure Boot, GRUB takes no font but the one that was signed together with it.
  grubGraphics = ''
    set gfxmode=1920x1080,1366x768,1280x800,1280x720,1024x768,800x600,auto
    set gfxpayload=keep
    if loadfont ($root)${grubFont}; then
      set has_font=1
    elif loadfont (memdisk)/fonts/unicode.pf2; then
      set has_font=1
    fi
    if [ -n "''${has_font}" ]; then
      insmod gfxterm
      insmod png
      terminal_output gfxterm
      ${optionalString (config.isoImage.grubTheme != null) ''
        insmod regexp
        for font in ($root)/boot/grub/theme/*.pf2; do
          loadfont "''${font}"
        done
        insmod gfxmenu
        set theme=($root)/boot/grub/theme/theme.txt
        export theme
      ''}
      ${optionalString (config.isoImage.efiSplashImage != null) ''
        if background_image ($root)/boot/grub/background.png; then
          set color_normal=white/black
          set color_highlight=black/light-gray
        fi
      ''}
    else
      terminal_output console
    fi
  '';
  grubFont = "/boot/grub/fonts/unicode.pf2";

  grub = ''
    set timeout=${toString (if timeout == null then -1 else timeout)}
    set default=0
    set menu_color_normal=light-gray/black
    set menu_color_highlight=white/blue

    # Whoever sources this file from another GRUB has set root to the image already.
    if [ ! -e ${marker} ]; then
      search --no-floppy --set=root --file ${marker}
    fi
    # Started from an image file on a disk: the first boot stage has to find that file again.
    if [ -n "''${iso_path}" ]; then
      set isoboot="findiso=''${iso_path}"
    fi
    ${if isGraphical then grubGraphics else "terminal_output console"}
    ${concatMapStrings grubEntry entries}
    ${optionalString memtest.enable ''
      menuentry 'Memory test (Memtest86+)' --hotkey=m {
        if [ "$grub_platform" = efi ]; then
          linux /boot/memtest.efi ${concatStringsSep " " memtest.params}
        else
          linux16 /boot/memtest.bin ${concatStringsSep " " memtest.params}
        fi
      }
    ''}
    if [ "$grub_platform" = efi ]; then
      menuentry 'Firmware settings' --hotkey=f {
        fwsetup
      }
    fi
    menuentry 'Restart' {
      reboot
    }
    menuentry 'Power off' {
      halt
    }
  '';

  # A file that is on this image and on no other.
  marker = "/.firn/${builtins.substring 0 32 (builtins.baseNameOf
    (builtins.unsafeDiscardStringContext "${config.system.build.toplevel}"))}";
in
{
  inherit systems isolinux grub marker isGraphical grubFont;

  # On the EFI partition: leads the signed GRUB to the menu on the image, and to no other medium's.
  grubOfEfiPartition = ''
    if search --no-floppy --set=root --file ${marker}; then
      set prefix=($root)/boot/grub
      configfile $prefix/grub.cfg
    else
      echo "The rest of this medium was not found: it carries the file ${marker}"
      echo "Write the image to the medium once more, or try another port."
    fi
  '';
}
