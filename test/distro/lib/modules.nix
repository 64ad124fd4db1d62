# The module system: what many modules make together.
{ lib }:
let
  inherit (lib) mkOption types;
  evaluate = modules: lib.evalModules { inherit modules; };
  config = modules: (evaluate modules).config;
  option = type: { options.x = mkOption { inherit type; }; };
  optionWith = type: default: { options.x = mkOption { inherit type default; }; };
  # The value of x of a type, from several definitions.
  merged = type: values: (config ([ (option type) ] ++ map (x: { inherit x; }) values)).x;
  listOfStr = optionWith (types.listOf types.str) [ ];
  person = types.submodule (
    { name, config, ... }:
    {
      options.name = mkOption { type = types.str; default = name; };
      options.age = mkOption { type = types.int; default = 1; };
      options.old = mkOption { type = types.bool; };
      config.old = config.age > 60;
    }
  );
in
{
  # Properties.
  ifAndMerge = { expr = (config [ listOfStr { x = lib.mkMerge [ [ "a" ] (lib.mkIf false [ "b" ]) (lib.mkIf true [ "c" ]) ]; } ]).x; expected = [ "a" "c" ]; };
  order = {
    expr = merged (types.listOf types.str) [ (lib.mkAfter [ "last" ]) [ "mid" ] (lib.mkBefore [ "first" ]) (lib.mkOrder 1600 [ "very last" ]) ];
    expected = [ "first" "mid" "last" "very last" ];
  };
  orderOfATree = {
    expr = (config [ listOfStr (lib.mkAfter { x = [ "b" ]; }) { x = [ "a" ]; } ]).x;
    expected = [ "a" "b" ];
  };
  priorities = {
    expr = merged types.int [ (lib.mkDefault 1) (lib.mkImageMediaOverride 3) 2 ];
    expected = 3;
  };
  prioritiesInOrder = {
    expr = map (f: (f 0).priority) [ lib.mkVMOverride lib.mkForce lib.mkImageMediaOverride lib.mkDefault lib.mkOptionDefault ];
    expected = [ 10 50 60 1000 1500 ];
  };
  defaultJoinsOptionDefaults = {
    expr = (config [ (optionWith (types.listOf types.int) [ 1 ]) { x = lib.mkOptionDefault [ 2 ]; } ]).x;
    expected = [ 1 2 ];
  };
  forcedCondition = {
    expr = merged types.int [ 1 (lib.mkForce (lib.mkIf true 2)) ];
    expected = 2;
  };
  forcedTree = {
    expr = (config [ { options.a.b = mkOption { type = types.int; default = 0; }; } (lib.mkForce { a.b = 1; }) { a.b = 2; } ]).a.b;
    expected = 1;
  };
  conditionIsLazy = {
    expr =
      (config [
        { options.on = mkOption { type = types.bool; default = false; }; options.y = mkOption { type = types.int; default = 5; }; }
        ({ config, ... }: lib.mkIf config.on { y = throw "not wanted"; })
      ]).y;
    expected = 5;
  };
  noneOfTheConditionsHolds = { expr = (config [ (optionWith types.int 4) { x = lib.mkIf false 5; } ]).x; expected = 4; };
  mkAssert = { expr = (config [ (option types.int) { x = lib.mkAssert false "must not be" 3; } ]).x; expectedError = "Failed assertion: must not be"; };

  # Modules and imports.
  importsComeFirst = {
    expr = (config [ listOfStr { imports = [ { x = [ "imported" ]; } ]; x = [ "importer" ]; } ]).x;
    expected = [ "imported" "importer" ];
  };
  sameFileOnce = {
    expr = (config [ listOfStr ./modules/one.nix { imports = [ ./modules/one.nix ]; } ]).x;
    expected = [ "one" ];
  };
  sameKeyOnce = {
    expr = (config [ listOfStr { key = "k"; config.x = [ "a" ]; } { key = "k"; config.x = [ "b" ]; } ]).x;
    expected = [ "a" ];
  };
  disabledPath = {
    expr = (config [ listOfStr ./modules/one.nix { disabledModules = [ ./modules/one.nix ]; x = [ "two" ]; } ]).x;
    expected = [ "two" ];
  };
  disabledByName = {
    expr =
      (lib.evalModules {
        specialArgs.modulesPath = ./modules;
        modules = [ listOfStr ./modules/one.nix { disabledModules = [ "one.nix" ]; } ];
      }).config.x;
    expected = [ ];
  };
  disabledByKey = {
    expr = (config [ listOfStr { key = "k"; config.x = [ "a" ]; } { disabledModules = [ { key = "k"; } ]; } ]).x;
    expected = [ ];
  };
  argumentsFromConfig = {
    expr = (config [ (option types.str) ({ greeting, ... }: { x = greeting; }) { _module.args.greeting = "hello"; } ]).x;
    expected = "hello";
  };
  specialArgsInImports = {
    expr = (lib.evalModules { specialArgs.extra = { x = 7; }; modules = [ (option types.int) ({ extra, ... }: { imports = [ extra ]; }) ]; }).config.x;
    expected = 7;
  };
  functorModule = {
    expr = (config [ (option types.int) { __functor = _: { ... }: { x = 3; }; } ]).x;
    expected = 3;
  };
  conditionAsModule = { expr = (config [ (option types.int) ({ ... }: lib.mkIf true { x = 3; }) ]).x; expected = 3; };
  extendModules = {
    expr = ((evaluate [ (optionWith types.int 1) ]).extendModules { modules = [ { x = 2; } ]; }).config.x;
    expected = 2;
  };
  evaluationAsType = {
    expr =
      (config [
        { options.inner = mkOption { type = (evaluate [ (optionWith types.int 1) ]).type; default = { }; }; }
        { inner.x = 9; }
      ]).inner.x;
    expected = 9;
  };
  unchecked = { expr = (config [ (optionWith types.int 1) { _module.check = false; y = 3; } ]); expected = { x = 1; }; };
  freeform = {
    expr = config [ { freeformType = types.attrsOf types.int; options.known = mkOption { type = types.str; default = "k"; }; } { a = 1; b = lib.mkIf false 2; } ];
    expected = { a = 1; known = "k"; };
  };
  nestedFreeform = {
    expr = config [ { freeformType = types.attrsOf types.anything; options.a.b = mkOption { type = types.int; default = 1; }; } { a.c = 2; } ];
    expected = { a = { b = 1; c = 2; }; };
  };
  class = {
    expr = (lib.evalModules { class = "nixos"; modules = [ { _class = "darwin"; } ]; }).config;
    expectedError = ''cannot be imported into a module evaluation that expects class "nixos"'';
  };

  # What an option knows.
  highestPrio = {
    expr = map (o: o.x.highestPrio) [
      (evaluate [ (optionWith types.int 1) ]).options
      (evaluate [ (optionWith types.int 1) { x = 2; } ]).options
      (evaluate [ (optionWith types.int 1) { x = lib.mkForce 2; } ]).options
    ];
    expected = [ 1500 100 50 ];
  };
  isDefined = {
    expr = map (o: o.x.isDefined) [
      (evaluate [ (option types.int) ]).options
      (evaluate [ (option types.int) { x = lib.mkIf false 1; } ]).options
      (evaluate [ (option types.int) { x = 1; } ]).options
    ];
    expected = [ false false true ];
  };
  files = {
    expr = (evaluate [ (option types.int) { _file = "/etc/a.nix"; x = 1; } { _file = "/etc/b.nix"; x = lib.mkDefault 2; } ]).options.x.files;
    expected = [ "/etc/a.nix" ];
  };
  declarations = {
    expr = (evaluate [ { _file = "/d.nix"; options.x = mkOption { type = types.int; }; } ]).options.x.declarations;
    expected = [ "/d.nix" ];
  };
  definitionLines = {
    expr = map (d: { line = d.pos.line; inherit (d) value; }) (evaluate [ listOfStr ./modules/one.nix ]).options.x.definitionsWithLocations;
    expected = [ { line = 3; value = [ "one" ]; } ];
  };
  allDefinitions = {
    expr = map (d: { inherit (d) priority value; }) (evaluate [ (optionWith types.int 0) { x = 1; } { x = lib.mkForce 2; } ]).options.x.allDefinitions;
    expected = [ { priority = 1500; value = 0; } { priority = 50; value = 2; } { priority = 100; value = 1; } ];
  };
  apply = { expr = (config [ { options.x = mkOption { type = types.int; default = 1; apply = n: n + 10; }; } ]).x; expected = 11; };

  # Types.
  lines = { expr = merged types.lines [ "b" "a" ]; expected = "a\nb"; };
  boolByOr = { expr = merged types.boolByOr [ false true ]; expected = true; };
  nullOr = { expr = map (merged (types.nullOr types.int)) [ [ null ] [ 3 ] ]; expected = [ null 3 ]; };
  enumDeclaredTwice = { expr = (config [ (option (types.enum [ "a" ])) (option (types.enum [ "b" ])) { x = "b"; } ]).x; expected = "b"; };
  either = { expr = merged (types.either types.int (types.listOf types.int)) [ [ 1 ] [ 2 ] ]; expected = [ 2 1 ]; };
  coercedTo = { expr = merged (types.coercedTo types.str (s: [ s ]) (types.listOf types.str)) [ "one" [ "two" ] ]; expected = [ "two" "one" ]; };
  attrsOfFiltersConditions = { expr = merged (types.attrsOf types.int) [ { a = lib.mkIf false 1; b = 2; } ]; expected = { b = 2; }; };
  lazyAttrsOfKeepsNames = { expr = builtins.attrNames (merged (types.lazyAttrsOf types.int) [ { a = throw "lazy"; } ]); expected = [ "a" ]; };
  lazyAttrsOfEmptyValue = { expr = merged (types.lazyAttrsOf (types.nullOr types.int)) [ { a = lib.mkIf false 1; } ]; expected = { a = null; }; };
  attrsOfMerges = { expr = merged (types.attrsOf (types.listOf types.int)) [ { a = [ 1 ]; } { a = lib.mkBefore [ 2 ]; b = [ ]; } ]; expected = { a = [ 2 1 ]; b = [ ]; }; };
  anything = { expr = merged types.anything [ { a.b = 1; l = [ 1 ]; } { a.c = lib.mkDefault 2; f = "x"; } ]; expected = { a = { b = 1; c = 2; }; f = "x"; l = [ 1 ]; }; };
  attrs = { expr = merged types.attrs [ { a.b = 1; } { a.c = 2; } ]; expected = { a.b = 1; }; };
  functionTo = { expr = merged (types.functionTo (types.listOf types.int)) [ (n: [ n ]) (n: [ 0 ]) ] 7; expected = [ 0 7 ]; };
  attrTag = { expr = merged (types.attrTag { a = mkOption { type = types.int; }; b = mkOption { type = types.str; }; }) [ { b = "x"; } ]; expected = { b = "x"; }; };
  deferredModule = {
    expr = (config [ (option types.deferredModule) { x = { options.y = mkOption { default = 4; }; }; } { options.z = mkOption { }; } ({ config, ... }: { z = (evaluate [ config.x ]).config.y; }) ]).z;
    expected = 4;
  };
  optionType = { expr = ((config [ (option types.optionType) { x = types.enum [ 1 ]; } { x = types.enum [ 2 ]; } ]).x).description; expected = "one of 2, 1"; };
  uniq = { expr = merged (types.uniq types.int) [ 1 1 ]; expectedError = "defined multiple times while it's expected to be unique"; };
  emptyListTypes = { expr = merged (types.nonEmptyListOf types.int) [ [ ] ]; expectedError = "is not of type `non-empty (list of signed integer)'"; };
  between = { expr = map (n: (types.ints.between 2 4).check n) [ 1 2 4 5 ]; expected = [ false true true false ]; };
  descriptions = {
    expr = map (t: t.description) (with types; [
      (nullOr str) (listOf (nullOr int)) (attrsOf (listOf str)) (either int (enum [ "a" "b" ])) (lazyAttrsOf (attrsOf path))
      (submodule { }) (submodule { freeformType = attrsOf int; }) port (coercedTo int toString str) (functionTo package) (uniq (listOf bool))
    ]);
    expected = [
      "null or string" "list of (null or signed integer)" "attribute set of list of string" "signed integer or one of \"a\", \"b\""
      "lazy attribute set of attribute set of absolute path" "submodule" "open submodule of attribute set of signed integer"
      "16 bit unsigned integer; between 0 and 65535 (both inclusive)" "string or signed integer convertible to it"
      "function that evaluates to a(n) package" "list of boolean"
    ];
  };

  # Submodules.
  submodule = {
    expr = merged (types.attrsOf person) [ { joe.age = 70; } { ann = { }; joe.name = "Joseph"; } ];
    expected = { ann = { name = "ann"; age = 1; old = false; }; joe = { name = "Joseph"; age = 70; old = true; }; };
  };
  submoduleAsFunction = { expr = (merged person [ ({ ... }: { age = 5; }) ]).age; expected = 5; };
  submoduleDeclaredTwice = {
    expr = (config [ (option (types.submodule { options.a = mkOption { default = 1; }; })) (option (types.submodule { options.b = mkOption { default = 2; }; })) { x = { }; } ]).x;
    expected = { a = 1; b = 2; };
  };
  optionsBelowSubmodule = {
    expr = (config [ (option (types.submodule { options.a = mkOption { default = 1; }; })) { options.x.b = mkOption { default = 2; }; } { x.b = 3; } ]).x;
    expected = { a = 1; b = 3; };
  };
  submoduleInList = { expr = map (p: p.age) (merged (types.listOf person) [ [ { age = 3; } ] [ { } ] ]); expected = [ 1 3 ]; };
  forcedInSubmodule = { expr = (merged (types.attrsOf person) [ { a.age = lib.mkForce 2; } { a.age = 3; } ]).a.age; expected = 2; };
  subOptions = {
    expr = map (o: o.name) (builtins.filter (o: !o.internal) (lib.optionAttrSetToDocList (evaluate [ { options.people = mkOption { type = types.attrsOf person; description = "p"; }; } ]).options));
    expected = [ "_module.args" "people" "people.<name>.age" "people.<name>.name" "people.<name>.old" ];
  };

  # Old names.
  renamed = {
    expr = let
      e = config [
        { options.new = mkOption { type = types.int; }; options.warnings = mkOption { type = types.listOf types.str; }; }
        (lib.mkRenamedOptionModule [ "old" ] [ "new" ])
        { _file = "/host.nix"; old = lib.mkForce 3; }
        { new = 4; }
      ];
    in { inherit (e) new warnings; };
    expected = { new = 3; warnings = [ "The option `old' defined in `/host.nix' has been renamed to `new'." ]; };
  };
  renamedKeepsFiles = {
    expr = (evaluate [ { options.new = mkOption { type = types.int; }; } (lib.mkAliasOptionModule [ "old" ] [ "new" ]) { _file = "/host.nix"; old = 3; } ]).options.new.files;
    expected = [ "/host.nix" ];
  };
  removed = {
    expr = (config [ { options.assertions = mkOption { type = types.listOf types.attrs; }; } (lib.mkRemovedOptionModule [ "old" ] "Use new.") { _file = "/host.nix"; old = 1; } ]).assertions;
    expected = [ { assertion = false; message = "The option definition `old' in `/host.nix' no longer has any effect; please remove it.\nUse new."; } ];
  };
  changed = {
    expr = (config [ { options.new = mkOption { type = types.str; }; options.warnings = mkOption { type = types.listOf types.str; }; } (lib.mkChangedOptionModule [ "old" ] [ "new" ] (c: toString c.old)) { old = 3; } ]).new;
    expected = "3";
  };
  readOnlyDefault = { expr = (config [ { options.x = mkOption { type = types.int; default = 1; readOnly = true; }; } { x = 2; } ]).x; expectedError = "The option `x' is read-only, but it's set multiple times"; };
}
