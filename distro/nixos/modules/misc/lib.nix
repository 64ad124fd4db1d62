# `config.lib`: functions that modules offer to each other.
{ lib, ... }:
{
  options.lib = lib.mkOption {
    type = lib.types.attrsOf lib.types.attrs;
    default = { };
    description = "Functions and values that modules offer to other modules.";
  };
}
