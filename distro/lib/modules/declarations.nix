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
    all attrNames concatMap filter foldl' head isAttrs length map mapAttrs tail
    unsafeGetAttrPos zipAttrsWith
    ;
  inherit (properties) pushDownProperties;

  isOption = o: o ? _type && o._type == "option";

  # The definitions of a whole set as { file, value } with plain sets.
  openDefinitions =
    d:
    if d.value ? _type then
      map (value: {
        inherit (d) file;
        inherit value;
      }) (pushDownProperties d.value)
    else
      [ d ];

  # What one set of definitions says, by name.
  definitionsIn =
    prefix: d:
    if isAttrs d.value then
      mapAttrs (name: value: {
        inherit (d) file;
        inherit value;
        pos = unsafeGetAttrPos name d.value;
      }) d.value
    else
      throw (messages.definitionNotSet prefix d);

  byName =
    prefix: defs:
    if defs == [ ] then
      { }
    else if tail defs == [ ] then
      mapAttrs (_: d: [ d ]) (definitionsIn prefix (head defs))
    else
      zipAttrsWith (_: found: found) (map (definitionsIn prefix) defs);

  declarationsIn =
    prefix: d:
    if isAttrs d.options then
      mapAttrs (_: options: {
        inherit (d) file;
        inherit options;
        siblings = d.options;
      }) d.options
    else
      throw (messages.optionsNotSet prefix d.file d.options);
in
rec {
  inherit byName openDefinitions;

  mergeModules =
    prefix: modules:
    mergeModules' prefix modules (
      map (m: {
        file = m._file;
        value = m.config;
      }) modules
    );

  # modules: { _file, options }; defs: { file, value }.
  # Gives { options, config, unmatchedDefns, definitions }.
  mergeModules' =
    prefix: modules: defs:
    mergeLevel prefix (
      filter (d: d.options != { }) (
        map (m: {
          file = m._file;
          inherit (m) options;
        }) modules
      )
    ) (concatMap openDefinitions defs);

  mergeLevel =
    prefix: decls: defs:
    let
      definitions = byName prefix defs;

      # Most groups of options are declared by one module.
      results =
        if decls == [ ] then
          { }
        else if tail decls == [ ] then
          let
            d = head decls;
          in
          mapAttrs (
            name: options:
            mergeSingle (prefix ++ [ name ]) name d.file options d.options (definitions.${name} or [ ])
          ) (if isAttrs d.options then d.options else throw (messages.optionsNotSet prefix d.file d.options))
        else
          mapAttrs (
            name: found: mergeName (prefix ++ [ name ]) name found (definitions.${name} or [ ])
          ) (zipAttrsWith (_: found: found) (map (declarationsIn prefix) decls));
    in
    {
      inherit definitions;
      options = mapAttrs (_: r: r.options) results;
      config = mapAttrs (_: r: r.config) results;
      unmatchedDefns =
        if defs == [ ] then
          [ ]
        else
          concatMap (
            name:
            if results ? ${name} then
              map (d: d // { prefix = [ name ] ++ d.prefix; }) results.${name}.unmatchedDefns
            else
              map (d: d // { prefix = [ name ]; }) definitions.${name}
          ) (attrNames definitions);
    };

  # One declaration, or one group of them.
  mergeSingle =
    loc: name: file: options: siblings: defs:
    if options ? _type && options._type == "option" then
      settled loc options (locatedType file options) [ file ] (unsafeGetAttrPos name siblings) defs
    else if options ? _type then
      throw (messages.notADeclaration loc file options._type)
    else
      mergeLevel loc [ { inherit file options; } ] (concatMap openDefinitions defs);

  # The type of an option declared once; submodules in it know where they stand.
  locatedType =
    file: option:
    let
      type = option.type or lib.types.unspecified;
      modules = type.getSubModules or null;
    in
    if modules == null then
      type
    else
      type.substSubModules (map (lib.modules.setDefaultModuleLocation file) modules);

  mergeName =
    loc: name: decls: defs:
    let
      only = head decls;
      optionDecls = filter (d: isOption d.options) decls;
      merged =
        decls:
        let
          option = fixupOptionType loc (mergeOptionDecls loc decls);
        in
        definitions.settle loc option option.type option.declarations option.declarationPositions defs;
    in
    if tail decls == [ ] then
      mergeSingle loc name only.file only.options only.siblings defs
    else if length optionDecls == length decls then
      merged (map (locate name) decls)
    else if optionDecls != [ ] then
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
        merged (map (d: locate name (intoSubmodule d)) decls)
      else
        throw (
          messages.parentIsOption loc (head optionDecls) (
            filter (d: !isOption d.options) decls
          )
        )
    else
      mergeLevel loc (map (
        d: if d.options ? _type then throw (messages.notADeclaration loc d.file d.options._type) else d
      ) decls) (concatMap openDefinitions defs);

  settled =
    loc: option: type: declarations: pos: defs:
    definitions.settle loc option type declarations [
      (
        if pos == null then
          {
            file = head declarations;
            line = null;
            column = null;
          }
        else
          pos
      )
    ] defs;

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
        options = submodulesAt d._file (new.type or null) ++ made.options;
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
