# evalModules: the fixed point in which every module sees the configuration that all of them
# make together.
{
  lib,
  collect,
  declarations,
  messages,
}:
let
  inherit (builtins) addErrorContext attrNames concatMap filter head map removeAttrs seq;
  inherit (lib.modules) mergeDefinitions;
  inherit (lib.options) mkOption;
  inherit (lib) types;

  file = "lib/modules/evaluate.nix";

  # Options that every evaluation has, for the modules to steer it.  They are settled apart from
  # the others: every submodule has them, and hardly one is defined.
  argsType = types.lazyAttrsOf types.raw;
  freeformOption = types.nullOr types.optionType;
  internalOptions = {
    args = mkOption {
      type = argsType;
      description = ''
        Further arguments for every module that names them.  They are evaluated with the
        configuration, so `imports` cannot depend on them; `specialArgs` can be used there.
      '';
    };
    check = mkOption {
      type = types.bool;
      internal = true;
      default = true;
      description = "Whether definitions of undeclared options are an error.";
    };
    freeformType = mkOption {
      type = freeformOption;
      internal = true;
      default = null;
      description = "The type that definitions of undeclared options are merged by.";
    };
    explainUnknown = mkOption {
      type = types.raw;
      internal = true;
      default = _: "";
      description = "Function from the path of an undeclared option to what else to say about it.";
    };
    specialArgs = mkOption {
      readOnly = true;
      internal = true;
      type = types.raw;
      description = "The arguments that were available to `imports`.";
    };
  };

  # Inside submodules they only swell the documentation.
  innerOptions = internalOptions // {
    args = internalOptions.args // { internal = true; };
  };

  reverse =
    xs:
    let
      last = builtins.length xs - 1;
    in
    builtins.genList (i: builtins.elemAt xs (last - i)) (last + 1);
in
rec {
  evalModules =
    given@{
      modules,
      prefix ? [ ],
      specialArgs ? { },
      args ? { },
      check ? true,
      class ? null,
    }:
    let
      collected =
        collect.collectModules class (specialArgs.modulesPath or "") modules (
          {
            inherit lib options specialArgs;
            config = addErrorContext "if you get an infinite recursion here, perhaps `config' (or a value of `_module.args') decides on `imports', on which options there are, or on the names of a set: write `mkIf' around definitions instead, and pass what `imports' need through `specialArgs'" config;
            _class = class;
            _prefix = prefix;
          }
          // specialArgs
        );

      merged = declarations.mergeModules prefix (reverse collected);

      # Definitions below `_module`, by name.
      own = {
        file = file;
        value = {
          args = args // {
            inherit extendModules;
            moduleType = type;
          };
          inherit specialArgs;
        }
        // (if given ? check then { check = lib.modules.mkDefault check; } else { });
      };
      steering = [ own ] ++ concatMap declarations.openDefinitions (merged.definitions._module or [ ]);
      steeringByName = declarations.byName (prefix ++ [ "_module" ]) steering;
      settle =
        name: type:
        (mergeDefinitions (prefix ++ [ "_module" name ]) type steeringByName.${name}).mergedValue;
      _module = merged.config._module or { } // {
        inherit specialArgs;
        args = settle "args" argsType;
        check = if steeringByName ? check then settle "check" types.bool else true;
        freeformType =
          if steeringByName ? freeformType then settle "freeformType" freeformOption else null;
        explainUnknown =
          if steeringByName ? explainUnknown then settle "explainUnknown" types.raw else _: "";
      };

      options = merged.options // {
        _module = merged.options._module or { } // (declarations.mergeLevel (prefix ++ [ "_module" ]) [
          {
            inherit file;
            options = if prefix == [ ] then internalOptions else innerOptions;
          }
        ] steering).options;
      };

      # Definitions that meet no option, of `_module` too.
      unmatched =
        filter (d: head d.prefix != "_module") merged.unmatchedDefns
        ++ concatMap (
          name:
          if internalOptions ? ${name} || merged.options ? _module.${name} then
            [ ]
          else
            map (
              d:
              d
              // {
                prefix = [
                  "_module"
                  name
                ];
              }
            ) steeringByName.${name}
        ) (attrNames steeringByName);

      freeformType = _module.freeformType;

      declared = merged.config // { inherit _module; };

      config =
        if freeformType == null || unmatched == [ ] then
          declared
        else
          lib.attrsets.recursiveUpdate freeformConfig declared;

      freeformConfig = freeformType.merge prefix (
        map (d: {
          inherit (d) file;
          value = lib.attrsets.setAttrByPath d.prefix d.value;
        }) unmatched
      );

      checked = seq (
        if freeformType == null && unmatched != [ ] && _module.check then
          throw (messages.unknownOptions _module.explainUnknown prefix options unmatched)
        else
          null
      );

      extendModules =
        {
          modules ? [ ],
          specialArgs ? { },
          prefix ? null,
        }:
        evalModules (
          given
          // {
            modules = given.modules ++ modules;
            specialArgs = (given.specialArgs or { }) // specialArgs;
            prefix = if prefix == null then given.prefix or [ ] else prefix;
          }
        );

      type = types.submoduleWith {
        inherit modules specialArgs class;
      };
    in
    {
      _type = "configuration";
      options = checked options;
      config = checked (removeAttrs config [ "_module" ]);
      _module = checked config._module;
      inherit extendModules type class;
    };
}
