# Settings of containers that systemd-nspawn runs, /etc/systemd/nspawn.
{ config, lib, utils, ... }:
let
  inherit (lib) mkOption types;
  inherit (utils.systemdUtils.lib) settingsToSections unitOption;
  cfg = lib.filterAttrs (_: container: container.enable) config.systemd.nspawn;

  section = name: mkOption {
    type = types.attrsOf unitOption;
    default = { };
    description = "Settings of the section `[${name}]`, see {manpage}`systemd.nspawn(5)`.";
  };
in
{
  options.systemd.nspawn = mkOption {
    default = { };
    description = "Containers, by the name of their machine.";
    type = types.attrsOf (types.submodule {
      options = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether the file is made.";
        };
        execConfig = section "Exec" // { example = { Parameters = "/bin/sh"; }; };
        filesConfig = section "Files" // { example = { Bind = [ "/home/alice" ]; }; };
        networkConfig = section "Network" // { example = { Private = false; }; };
      };
    });
  };

  config.environment.etc = lib.mapAttrs' (name: container: {
    name = "systemd/nspawn/${name}.nspawn";
    value.text = settingsToSections {
      Exec = container.execConfig;
      Files = container.filesConfig;
      Network = container.networkConfig;
    };
  }) cfg;
}
