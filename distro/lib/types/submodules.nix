# Options whose values are configurations of their own.
#
# A submodule's definitions are modules; merging them is a further evaluation with the
# options declared in the type.  The modules of the type are joined once (`base`) and
# extended for each value.
{ lib, base }:
let
  inherit (builtins) attrNames intersectAttrs isAttrs isFunction map;
  inherit (base) mkOptionType;

  isModule = x: isAttrs x || isFunction x || lib.types.path.check x;

  submoduleWith =
    given@{
      modules,
      specialArgs ? { },
      shorthandOnlyDefinesConfig ? false,
      description ? null,
      class ? null,
    }:
    let
      shorthand = shorthandOnlyDefinesConfig == true;

      asModule =
        d:
        if shorthand && isAttrs d.value then
          {
            _file = d.file;
            config = d.value;
          }
        else
          {
            _file = d.file;
            imports = [ d.value ];
          };

      evaluated = lib.modules.evalModules {
        inherit class specialArgs;
        modules = [ { _module.args.name = lib.modules.mkOptionDefault "‹name›"; } ] ++ modules;
      };
      # What describes the type holds whatever its own definitions are.
      described = evaluated.extendModules { modules = [ lib.types.noCheckForDocsModule ]; };
      freeformType = described._module.freeformType;
      name = "submodule";
    in
    mkOptionType {
      inherit name;
      description =
        if description != null then
          description
        else if freeformType != null then
          "open ${name} of ${
            base.optionDescriptionPhrase (c: c == "noun" || c == "composite") freeformType
          }"
        else
          name;
      check = isModule;
      merge =
        loc: defs:
        (lib.modules.evalModules {
          inherit class specialArgs;
          prefix = loc;
          modules = modules ++ [
            {
              _file = "lib/types/submodules.nix";
              _module.args.name = lib.lists.last loc;
            }
          ]
          ++ map asModule defs;
        }).config;
      emptyValue = {
        value = { };
        # What a submodule without definitions is, at an option of its own.
        at =
          loc:
          (lib.modules.evalModules {
            inherit modules class specialArgs;
            prefix = loc;
          }).config;
      };
      getSubOptions =
        prefix:
        (described.extendModules { inherit prefix; }).options
        // (
          if freeformType == null then
            { }
          else
            { _freeformOptions = freeformType.getSubOptions prefix; }
        );
      getSubModules = modules;
      substSubModules = m: submoduleWith (given // { modules = m; });
      nestedTypes = if freeformType == null then { } else { inherit freeformType; };
      functor = base.defaultFunctor name // {
        type = submoduleWith;
        payload = {
          inherit modules specialArgs shorthandOnlyDefinesConfig description class;
        };
        binOp =
          a: b:
          let
            # Takes the side that says something; both saying the same is fine too.
            agree =
              what: x: y:
              if x == null then
                y
              else if y == null || x == y then
                x
              else
                throw "A submoduleWith option is declared multiple times with conflicting ${what} values ${lib.generators.toPretty { } x} and ${lib.generators.toPretty { } y}.";
          in
          {
            modules = a.modules ++ b.modules;
            specialArgs =
              if intersectAttrs a.specialArgs b.specialArgs == { } then
                a.specialArgs // b.specialArgs
              else
                throw "A submoduleWith option is declared multiple times with the same specialArgs";
            shorthandOnlyDefinesConfig =
              agree "shorthandOnlyDefinesConfig" a.shorthandOnlyDefinesConfig b.shorthandOnlyDefinesConfig;
            description = agree "description" a.description b.description;
            class = agree "class" a.class b.class;
          };
      };
    };

  deferredModuleWith =
    {
      staticModules ? [ ],
    }:
    mkOptionType {
      name = "deferredModule";
      description = "module";
      descriptionClass = "noun";
      check = isModule;
      merge = loc: defs: {
        imports =
          staticModules
          ++ map (
            d:
            lib.modules.setDefaultModuleLocation "${d.file}, via option ${lib.options.showOption loc}" d.value
          ) defs;
      };
      getSubOptions = if staticModules == [ ] then _: { } else lib.types.submoduleWith { modules = staticModules; } .getSubOptions;
      getSubModules = if staticModules == [ ] then null else staticModules;
      substSubModules = m: deferredModuleWith { staticModules = m; };
      functor = base.defaultFunctor "deferredModuleWith" // {
        type = payload: deferredModuleWith payload;
        payload = { inherit staticModules; };
        binOp = a: b: { staticModules = a.staticModules ++ b.staticModules; };
      };
    };
in
{
  inherit submoduleWith deferredModuleWith;

  submodule =
    modules:
    submoduleWith {
      shorthandOnlyDefinesConfig = true;
      modules = lib.lists.toList modules;
    };

  deferredModule = deferredModuleWith { };

  # A type as a value; several declare it together.
  optionType = mkOptionType {
    name = "optionType";
    description = "optionType";
    descriptionClass = "noun";
    check = base.isOptionType;
    merge =
      loc: defs:
      if builtins.length defs == 1 then
        (builtins.head defs).value
      else
        (lib.modules.fixupOptionType loc (
          lib.modules.mergeOptionDecls loc (
            map (d: {
              _file = d.file;
              pos = null;
              options = lib.options.mkOption { type = d.value; };
            }) defs
          )
        )).type;
  };

  optionDeclaration = mkOptionType {
    name = "optionDeclaration";
    description = "option declaration";
    descriptionClass = "noun";
    # A settled option is not a declaration.
    check = value: lib.options.isOption value && !(value ? loc && value ? value);
    merge = lib.options.mergeOneOption;
  };
}
