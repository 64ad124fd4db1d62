# Options for tests of messages.
{ lib, ... }:
{
  options.services.web = {
    enable = lib.mkOption { type = lib.types.bool; default = false; };
    port = lib.mkOption { type = lib.types.port; default = 80; };
    names = lib.mkOption { type = lib.types.listOf lib.types.str; default = [ ]; };
    users = lib.mkOption {
      default = { };
      type = lib.types.attrsOf (lib.types.submodule { options.age = lib.mkOption { type = lib.types.int; }; });
    };
  };
  options.networking.hostName = lib.mkOption { type = lib.types.str; };
}
