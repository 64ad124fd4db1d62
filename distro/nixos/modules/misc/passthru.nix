# A place for whatever a configuration wants to hand out beside the system.
{ lib, ... }:
{
  options.passthru = lib.mkOption {
    visible = false;
    type = lib.types.raw;
    default = { };
    description = "Values taken along with the configuration; nothing here has an effect.";
  };
}
