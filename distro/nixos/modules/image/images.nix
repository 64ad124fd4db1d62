# system.build.images: every kind of image of one configuration.
#
# Each kind is an evaluation of its own, the configuration with the modules of that kind added, so
# that kinds that contradict each other do not meet.
{ config, lib, extendModules, ... }:

let
  inherit (lib) mkOption types;

  evaluated = lib.mapAttrs (_: module: extendModules { modules = [ module ]; }) config.image.modules;

  buildOf = kind: system:
    let
      cfg = system.config;
      build = cfg.system.build.image
        or (throw "The module of system.build.images.${kind} has to define system.build.image");
    in
    build // { passthru = (build.passthru or { }) // { config = cfg; inherit (cfg.image) filePath; }; };
in
{
  options = {
    system.build.images = mkOption {
      type = types.lazyAttrsOf types.raw;
      readOnly = true;
      description = "Images of this configuration, by their kinds.";
    };

    image.modules = mkOption {
      type = types.attrsOf types.deferredModule;
      description = "Modules that make an image of a configuration, by the kind of image.";
    };
  };

  config = {
    image.modules = {
      iso = ../installer/cd-dvd/iso-image.nix;
      iso-installer = ../installer/cd-dvd/installation-cd-base.nix;
      kexec = ../installer/netboot/netboot-minimal.nix;
    };
    system.build.images = lib.mapAttrs buildOf evaluated;
  };
}
