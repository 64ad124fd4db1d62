# What to say about an option that NixOS may have and this tree does not: that it is this tree that
# lacks it, and what there is instead. A Debian package of that name can be used without a module.
{ lib, options, pkgs, ... }:
let
  inherit (builtins) concatStringsSep elem elemAt head length;

  # Groups in which NixOS calls a module after its package.
  groups = [ "services" "programs" "virtualisation" "hardware" ];

  graphical = [
    "fonts" "gtk" "qt" "xdg" "environment.gnome" "environment.plasma6" "boot.plymouth"
    "hardware.graphics" "hardware.nvidia" "hardware.opengl" "hardware.pulseaudio" "sound"
    "programs.dconf" "programs.firefox" "programs.hyprland" "programs.niri" "programs.steam"
    "programs.sway" "services.blueman" "services.desktopManager" "services.displayManager"
    "services.flatpak" "services.gnome" "services.greetd" "services.gvfs" "services.libinput"
    "services.picom" "services.pipewire" "services.pulseaudio" "services.xserver"
  ];

  isPackage = name: pkgs ? ${name} && (pkgs.${name} ? reference);
  hasModule = path: options ? ${head path} && options.${head path} ? ${elemAt path 1};
  firstTwo = path: concatStringsSep "." (lib.take 2 path);
in
{
  _module.explainUnknown =
    path:
    if elem (head path) graphical || elem (firstTwo path) graphical then
      "Firn's tree has no graphical system, so it has none of NixOS's options for one."
    else if length path < 2 then
      ""
    else if hasModule path then
      "Firn's tree has `${firstTwo path}', but not this option below it; NixOS may have it."
    else if elem (head path) groups && isPackage (elemAt path 1) then
      let
        name = elemAt path 1;
        reference = if lib.strings.escapeNixIdentifier name == name then "pkgs.${name}" else "pkgs.\"${name}\"";
      in
      concatStringsSep "\n" (
        [
          "Firn's tree has no module for `${firstTwo path}', but Debian's package ${name} can be used without one:"
          "  environment.systemPackages = [ ${reference} ];"
        ]
        ++ lib.optional (
          head path != "programs"
        ) "  systemd.installedUnits = [ \"${name}.service\" ];  # started at boot, if it has that unit"
      )
    else
      "Firn's tree has no such option; NixOS may have it.";
}
