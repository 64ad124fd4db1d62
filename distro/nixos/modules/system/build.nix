# system.build: everything that can be made of a configuration, by name.
{ lib, ... }:
{
  options.system.build = lib.mkOption {
    default = { };
    description = "What can be built of this configuration: the system itself, images, parts of them.";
    type = lib.types.submoduleWith {
      modules = [
        {
          freeformType = with lib.types; lazyAttrsOf (uniq unspecified);
        }
      ];
    };
  };
}
