# evalModules: the fixed point in which every module sees the configuration that all of them
# make together.
{
  lib,
  collect,
  declarations,
  messages,
}:
let
  inherit (builtins) addErrorContext isString map removeAttrs seq;
  inherit (lib.options) mkOption;
  inherit (lib) types;

  # Options that every evaluation has, for the modules to steer it.
  internalOptions = {
    _module = {
      args = mkOption {
        type = types.lazyAttrsOf types.raw;
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
        type = types.nullOr types.optionType;
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
  };

  # Inside submodules they only swell the documentation.
  innerOptions = {
    _module = internalOptions._module // {
      args = internalOptions._module.args // { internal = true; };
    };
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
      internalModule = {
        _file = "lib/modules/evaluate.nix";
        key = "lib/modules/evaluate.nix";
        options = if prefix == [ ] then internalOptions else innerOptions;
        config._module = {
          args = args // {
            inherit extendModules;
            moduleType = type;
          };
          inherit specialArgs;
        }
        // (if given ? check then { check = lib.modules.mkDefault check; } else { });
      };

      collected =
        collect.collectModules class (specialArgs.modulesPath or "") (modules ++ [ internalModule ])
          (
            {
              inherit lib options specialArgs;
              config = addErrorContext "if this is an infinite recursion: perhaps `config' or a value of `_module.args' is used to decide on `imports', on which options exist, or on the condition of a set whose names are not fixed (write mkIf around the values instead)" config;
              _class = class;
              _prefix = prefix;
            }
            // specialArgs
          );

      merged = declarations.mergeModules prefix (reverse collected);

      options = merged.options;
      declared = merged.config;
      freeformType = declared._module.freeformType;

      config =
        if freeformType == null || merged.unmatchedDefns == [ ] then
          declared
        else
          lib.attrsets.recursiveUpdate freeformConfig declared;

      freeformConfig = freeformType.merge prefix (
        map (d: {
          inherit (d) file;
          value = lib.attrsets.setAttrByPath d.prefix d.value;
        }) merged.unmatchedDefns
      );

      checked = seq (
        if declared._module.check && freeformType == null && merged.unmatchedDefns != [ ] then
          throw (
            messages.unknownOptions declared._module.explainUnknown prefix options merged.unmatchedDefns
          )
        else
          null
      );

      extendModules =
        extension@{
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
