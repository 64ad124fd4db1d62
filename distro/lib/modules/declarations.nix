# Declarations joined with definitions, one level of the option tree at a time.
#
# Each level zips what all modules declare there and what all modules define there.  A name
# at which modules declare options is settled; a name with further names below it is
# descended into; definitions that meet no declaration are handed up as unmatched.
{
  lib,
  properties,
  definitions,
  messages,
}:
let
  inherit (builtins)
    all attrNames concatLists concatMap elemAt filter foldl' head isAttrs length map mapAttrs
    removeAttrs tail unsafeGetAttrPos zipAttrsWith
    ;
  inherit (properties) pushDownProperties;

  isOption = o: o ? _type && o._type == "option";

  # The definitions of a whole module as { file, value } with plain sets.
  openDefinitions =
    d:
    map (value: {
      inherit (d) file;
      inherit value;
    }) (pushDownProperties d.value);
in
rec {
  mergeModules =
    prefix: modules:
    mergeModules' prefix modules (
      map (m: {
        file = m._file;
        value = m.config;
      }) modules
    );

  # modules: { _file, options }; defs: { file, value }.
  # Gives { options, config, unmatchedDefns }.
  mergeModules' =
    prefix: modules: defs:
    mergeLevel prefix (
      map (m: {
        file = m._file;
        inherit (m) options;
      }) modules
    ) (concatMap openDefinitions defs);

  mergeLevel =
    prefix: decls: defs:
    let
      declsByName = zipAttrsWith (_: found: found) (
        map (
          d:
          if !isAttrs d.options then
            throw (messages.optionsNotSet prefix d.file d.options)
          else
            mapAttrs (name: options: {
              inherit (d) file;
              inherit options;
              siblings = d.options;
            }) d.options
        ) decls
      );

      defsByName = zipAttrsWith (_: found: found) (
        map (
          d:
          if !isAttrs d.value then
            throw (messages.definitionNotSet prefix d)
          else
            mapAttrs (name: value: {
              inherit (d) file;
              inherit value;
              pos = unsafeGetAttrPos name d.value;
            }) d.value
        ) defs
      );

      results = mapAttrs (
        name: decls: mergeName (prefix ++ [ name ]) name decls (defsByName.${name} or [ ])
      ) declsByName;

      undeclared = removeAttrs defsByName (attrNames declsByName);
    in
    {
      options = mapAttrs (_: r: r.options) results;
      config = mapAttrs (_: r: r.config) results;
      unmatchedDefns =
        if defs == [ ] then
          [ ]
        else
          concatMap (
            name:
            map (d: d // { prefix = [ name ] ++ d.prefix; }) results.${name}.unmatchedDefns
          ) (attrNames results)
          ++ concatMap (
            name: map (d: d // { prefix = [ name ]; }) undeclared.${name}
          ) (attrNames undeclared);
    };

  mergeName =
    loc: name: decls: defs:
    let
      single = tail decls == [ ];
      optionDecls = filter (d: isOption d.options) decls;
    in
    if (if single then isOption (head decls).options else length optionDecls == length decls) then
      settled loc (fixupOptionType loc (mergeOptionDecls loc (map (locate name) decls))) defs
    else if !single && optionDecls != [ ] then
      let
        # Options declared below an option that holds submodules extend the submodule.
        intoSubmodule =
          d:
          if isOption d.options then
            d
          else
            d
            // {
              options = lib.options.mkOption {
                type = lib.types.submoduleWith {
                  modules = [
                    {
                      _file = d.file;
                      inherit (d) options;
                    }
                  ];
                  shorthandOnlyDefinesConfig = null;
                };
              };
            };
      in
      if all (d: d.options.type.name or null == "submodule") optionDecls then
        settled loc (fixupOptionType loc (
          mergeOptionDecls loc (map (d: locate name (intoSubmodule d)) decls)
        )) defs
      else
        throw (
          messages.parentIsOption loc (head optionDecls) (
            filter (d: !isOption d.options) decls
          )
        )
    else
      mergeLevel loc decls (concatMap openDefinitions defs);

  settled =
    loc: option: defs:
    let
      evaluated = definitions.evalOptionValue loc option defs;
    in
    {
      options = evaluated;
      config = evaluated.value;
      unmatchedDefns = [ ];
    };

  locate = name: d: {
    _file = d.file;
    pos = unsafeGetAttrPos name d.siblings;
    inherit (d) options;
  };

  # Several declarations { _file, pos, options } of one option as one.  Text and default may
  # be given once; types must be mergeable.
  mergeOptionDecls =
    loc: decls:
    let
      first = asOption loc (head decls);
    in
    foldl' (mergeTwo loc) first (tail decls);

  asOption =
    loc: d:
    let
      type = d.options.type or null;
    in
    d.options
    // {
      inherit loc;
      declarations = [ d._file ];
      declarationPositions = [ (position d) ];
      options = submodulesAt d._file type;
    };

  position =
    d:
    if d.pos or null == null then
      {
        file = d._file;
        line = null;
        column = null;
      }
    else
      d.pos;

  # The modules inside a type, told which file they stand in.
  submodulesAt =
    file: type:
    let
      modules = if type == null then null else type.getSubModules or null;
    in
    if modules == null then
      [ ]
    else
      map (lib.modules.setDefaultModuleLocation file) modules;

  mergeTwo =
    loc: made: d:
    let
      new = d.options;
      both = name: made ? ${name} && new ? ${name};
      merged =
        if both "type" && made.type ? typeMerge then made.type.typeMerge new.type.functor else null;
      types =
        if !both "type" then
          { }
        else if merged == null then
          throw (messages.typesDiffer loc made d)
        else
          { type = merged; };
    in
    if both "default" || both "example" || both "description" || both "apply" then
      throw (messages.declaredTwice loc made d)
    else
      made
      // new
      // types
      // {
        inherit loc;
        declarations = made.declarations ++ [ d._file ];
        declarationPositions = made.declarationPositions ++ [ (position d) ];
        options = made.options ++ submodulesAt d._file (new.type or null);
      };

  # An option always has a type, and submodule types know where their modules stand.
  fixupOptionType =
    loc: option:
    let
      type = option.type or lib.types.unspecified;
    in
    if option.options == [ ] then
      option // {
        inherit type;
        options = [ ];
      }
    else
      option
      // {
        type = type.substSubModules option.options;
        options = [ ];
      };
}
