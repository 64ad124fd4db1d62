# From a list of modules to all modules: imports followed, doubles and disabled ones left out.
#
# A module may be a set, a function of the module arguments, or a path to a file that holds
# either.  Whatever its spelling, it leaves here as
# { _file, key, disabledModules, imports, options, config, _class? }.
# A module is known by its key (the path, for files): equal keys are taken once.
{ lib, messages }:
let
  inherit (builtins)
    addErrorContext attrNames concatMap elem filter functionArgs genList genericClosure head
    isAttrs isFunction isList isPath isString elemAt length map mapAttrs removeAttrs substring
    ;

  # What may stand beside `config` and `options`.
  structural = [
    "_class" "_file" "key" "disabledModules" "imports" "options" "config" "meta" "freeformType"
  ];
  # What a module without `config` and `options` says about itself.
  aboutItself = [
    "_class" "_file" "key" "disabledModules" "require" "imports" "freeformType"
  ];
in
rec {
  # A module in full spelling.  `file` and `key` serve where it names none.
  unifyModuleSyntax =
    file: key: m:
    let
      strange = removeAttrs m structural;
      withFreeform =
        config:
        if m ? freeformType then
          lib.modules.mkMerge [
            config
            { _module.freeformType = m.freeformType; }
          ]
        else
          config;
      withMeta =
        config:
        if m ? meta then
          lib.modules.mkMerge [
            config
            { meta = m.meta; }
          ]
        else
          config;
    in
    if m ? config || m ? options then
      if strange != { } then
        throw (messages.strangeModuleAttributes (m._file or file) key strange)
      else
        {
          _file = toString (m._file or file);
          _class = m._class or null;
          key = toString (m.key or key);
          disabledModules = m.disabledModules or [ ];
          imports = m.imports or [ ];
          options = m.options or { };
          config = withFreeform (withMeta (m.config or { }));
        }
    else
      throwIfNotModule file key m {
        _file = toString (m._file or file);
        _class = m._class or null;
        key = toString (m.key or key);
        disabledModules = m.disabledModules or [ ];
        imports = m.require or [ ] ++ m.imports or [ ];
        options = { };
        config = withFreeform (removeAttrs m aboutItself);
      };

  throwIfNotModule =
    file: key: m: result:
    if isAttrs m then result else throw (messages.notAModule file key m);

  applyModuleArgs =
    key: f: args:
    let
      # Arguments that the function names are looked up one by one, so that asking for one
      # does not evaluate the others.
      named = mapAttrs (
        name: _:
        addErrorContext "while evaluating the module argument `${name}' in \"${key}\":" (
          args.${name} or (args.config._module.args.${name} or (
            throw (messages.missingArgument key name (lib.trivial.functionArgs f))
          ))
        )
      ) (lib.trivial.functionArgs f);
    in
    # The set itself is passed too, for modules that take `args@{ ... }`.
    f (args // named);

  applyModuleArgsIfFunction =
    key: f: args:
    if lib.trivial.isFunction f then applyModuleArgs key f args else f;

  # Reads one module in any of its spellings.
  loadModule =
    args: file: key: m:
    if isFunction m then
      unifyModuleSyntax file key (applyModuleArgs key m args)
    else if isAttrs m then
      if m ? _type && m._type != "module" then
        if m._type == "if" || m._type == "override" || m._type == "merge" || m._type == "order" then
          unifyModuleSyntax file key { config = m; }
        else
          throw (messages.foreignType file m._type)
      else if m ? __functor then
        unifyModuleSyntax file key (applyModuleArgs key m args)
      else
        unifyModuleSyntax file key m
    else if isPath m || isString m then
      let
        place = toString m;
      in
      if isString m && substring 0 1 m != "/" then
        throw (messages.relativeImport file m)
      else if !builtins.pathExists m then
        throw (messages.missingFile file place)
      else
        unifyModuleSyntax place place (applyModuleArgsIfFunction place (import m) args)
    else if isList m then
      throw (messages.listAsModule file)
    else
      throw (messages.notAModule file key m);

  collectModules =
    class: modulesPath: initial: args:
    let
      checkClass =
        m:
        if class == null || m._class == null || m._class == class then
          m
        else
          throw (messages.wrongClass class m);

      entriesOf =
        file: key: modules:
        if !isList modules then
          throw (messages.importsNotList file modules)
        else
          genList (
            n:
            let
              module = checkClass (
                loadModule args file "${key}:anon-${toString (n + 1)}" (elemAt modules n)
              );
            in
            {
              inherit (module) key;
              inherit module;
              imported = addErrorContext "while evaluating the imports of `${module._file}':" (
                entriesOf module._file module.key module.imports
              );
            }
          ) (length modules);

      start = entriesOf "<unknown-file>" "" initial;
      closure =
        keep:
        genericClosure {
          startSet = keep start;
          operator = entry: keep entry.imported;
        };
      everything = closure (entries: entries);

      disabledBy =
        m:
        map (
          d:
          if isString d then
            if substring 0 1 d == "/" then d else "${toString modulesPath}/${d}"
          else if isAttrs d && !(d ? outPath) then
            if d ? key then toString d.key else throw (messages.disabledWithoutKey m._file)
          else
            toString d
        ) m.disabledModules;
      disabled = concatMap (entry: disabledBy entry.module) everything;
    in
    map (entry: entry.module) (
      if disabled == [ ] then
        everything
      else
        closure (filter (entry: !elem entry.key disabled))
    );

  # A module that, having no file of its own, is said to stand in `file`.
  setDefaultModuleLocation = file: m: {
    _file = file;
    imports = [ m ];
  };

  # Imports a file that is a function of further arguments before it is a module.
  importApply = file: arguments: setDefaultModuleLocation file (import file arguments);
}
