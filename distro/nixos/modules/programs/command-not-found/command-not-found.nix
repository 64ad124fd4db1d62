# Which package has a command that is not there.
{ config, lib, pkgs, ... }:

{
  options.programs.command-not-found = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Accepted for compatibility; `firn search` answers on the machine that builds the system.
      '';
    };
    dbPath = lib.mkOption {
      type = lib.types.path;
      default = "/var/lib/command-not-found";
      description = "Accepted for compatibility.";
    };
  };
}
