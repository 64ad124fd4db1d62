# Types of options that hold systemd's units.
{ lib, systemdUtils }:
let
  inherit (lib.types) attrsOf listOf submodule;
  kinds = systemdUtils.unitOptions;
  many = module: attrsOf (submodule module);
in
{
  units = attrsOf (
    submodule (
      { name, config, ... }:
      {
        options = kinds.units;
        config = {
          name = lib.mkDefault name;
          unit = lib.mkDefault (systemdUtils.lib.makeUnit name config);
        };
      }
    )
  );

  services = many kinds.service;
  slices = many kinds.slice;
  sockets = many kinds.socket;
  targets = many kinds.target;
  timers = many kinds.timer;
  paths = many kinds.path;
  mounts = listOf (submodule kinds.mount);
  automounts = listOf (submodule kinds.automount);

  # The same in the initial RAM disk, and for the managers of users.
  initrdServices = many kinds.service;
  initrdSlices = many kinds.slice;
  initrdSockets = many kinds.socket;
  initrdTargets = many kinds.target;
  initrdTimers = many kinds.timer;
  initrdPaths = many kinds.path;
  initrdMounts = listOf (submodule kinds.mount);
  initrdAutomounts = listOf (submodule kinds.automount);
}
