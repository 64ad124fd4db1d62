# Specialisations: variants of the system, made along with it and offered at boot.
{ config, lib, extendModules, ... }:
let
  inherit (lib) mkOption types;

  # A variant has no variants of its own, although it has all else that its parent defines.
  alone = {
    isSpecialisation = true;
    specialisation = lib.mkOverride 0 { };
  };
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "nesting" "children" ] "Use specialisation instead.")
  ];

  options = {
    isSpecialisation = mkOption {
      type = types.bool;
      internal = true;
      default = false;
      description = "Whether this system is a specialisation of another.";
    };

    specialisation = mkOption {
      default = { };
      example = lib.literalExpression "{ fewJobsManyCores.configuration = { nix.settings.max-jobs = 1; }; }";
      description = ''
        Variants of the system, each with an entry in the boot menu. A variant has everything the
        system itself has, and what its `configuration` adds or overrides.
      '';
      type = types.attrsOf (
        types.submodule (
          { name, ... }@variant:
          {
            options.inheritParentConfig = mkOption {
              type = types.bool;
              default = true;
              description = "Whether the variant begins with the configuration of the system.";
            };
            options.configuration = mkOption {
              default = { };
              description = "What the variant adds or overrides.";
              visible = "shallow";
              type =
                if variant.config.inheritParentConfig then
                  (extendModules {
                    modules = [ alone { system.nixos.tags = [ name ]; } ];
                  }).type
                else
                  (import ../../../lib/eval-config.nix {
                    inherit lib;
                    system = null;
                    modules = [ alone ];
                  }).type;
            };
          }
        )
      );
    };
  };

  config.assertions = lib.mapAttrsToList (name: _: {
    assertion = !lib.hasInfix "/" name;
    message = "The name of a specialisation must not have a slash: specialisation.\"${name}\".";
  }) config.specialisation;
}
