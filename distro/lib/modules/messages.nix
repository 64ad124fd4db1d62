# What the module system says when a configuration does not fit together.
#
# Every message names the option, each definition with its file and line, why they do not
# fit, and what to write instead.  The opening phrases are the ones users of NixOS know and
# search for.
{ lib }:
let
  inherit (builtins)
    attrNames concatMap concatStringsSep elem elemAt filter foldl' genList head isAttrs isList
    isString length map sort stringLength substring tail typeOf
    ;
  inherit (lib.options) showOption showFiles showDefs withArticle;

  # What to write so that one of several equally strong definitions wins.
  remedy =
    loc: strength:
    let
      winning =
        if strength > 100 then
          "value"
        else if strength > 50 then
          "lib.mkForce value"
        else
          "lib.mkOverride ${toString (strength - 1)} value";
    in
    "Use `${winning}' for the one that shall win"
    + (if strength == 100 then ", or `lib.mkDefault value' for the one that shall give way" else "")
    + ", for example:\n  ${showOption loc} = ${winning};";

  # Files of profiles for images, which host configurations are combined with.
  isImageProfile =
    file: builtins.match ".*/nixos/modules/(installer|image|virtualisation|profiles)/.*" (toString file) != null;

  # Where a name in a set was written.
  placeOf =
    name: set: fallback:
    let
      pos = builtins.unsafeGetAttrPos name set;
    in
    if pos == null || substring 0 1 (toString pos.file) != "/" then
      fallback
    else
      "${pos.file}:${toString pos.line}";

  # The words for a module without a file of its own.
  moduleName =
    file: key: place:
    if toString file == "<unknown-file>" || toString file == "" then
      if place != null then place else key
    else
      toString file;

  # The names nearest to the wanted one, best first.
  suggestions =
    wanted: names:
    let
      limit = if stringLength wanted < 3 then 1 else if stringLength wanted < 8 then 2 else 3;
      near = filter (name: lib.strings.levenshteinAtMost limit wanted name) names;
      containing = filter (
        name:
        !elem name near
        && stringLength wanted > 2
        && (lib.strings.hasInfix wanted name || (stringLength name > 3 && lib.strings.hasInfix name wanted))
      ) names;
      ranked = sort (a: b: lib.strings.levenshtein wanted a < lib.strings.levenshtein wanted b) near;
    in
    lib.lists.take 3 (ranked ++ containing);

  isOption = lib.options.isOption;

  # Where a path of names leaves the tree of options.
  walk =
    options: path:
    let
      go =
        depth: tree:
        if depth == length path then
          {
            inherit depth tree;
          }
        else if !isAttrs tree || isOption tree || !(tree ? ${elemAt path depth}) then
          {
            inherit depth tree;
          }
        else
          go (depth + 1) tree.${elemAt path depth};
    in
    go 0 options;

  visible = tree: filter (name: name != "_module") (attrNames tree);

  # All paths of options whose last name is the given one, so that a definition at the wrong
  # level finds its way.  Bounded in depth: this only runs for a message.
  elsewhere =
    name: options:
    let
      go =
        depth: path: tree:
        concatMap (
          key:
          let
            here = path ++ [ key ];
            value = tree.${key};
          in
          (if key == name then [ (showOption here) ] else [ ])
          ++ (if depth > 0 && isAttrs value && !isOption value then go (depth - 1) here value else [ ])
        ) (visible tree);
    in
    lib.lists.take 3 (go 3 [ ] options);

  unknownOption =
    explain: prefix: options: defs:
    let
      path = (head defs).prefix;
      found = walk options path;
      full = prefix ++ path;
      parent = prefix ++ lib.lists.take found.depth path;
      missing = elemAt path found.depth;
      near = if isAttrs found.tree && !isOption found.tree then suggestions missing (visible found.tree) else [ ];
      written = map (name: "`${showOption (parent ++ [ name ])}'") near;
      others = if near == [ ] then elsewhere missing options else [ ];
      empty = isAttrs found.tree && visible found.tree == [ ];
      more = explain full;
      # mkOption where a value should be, here or one level below.
      isDeclaration = lib.lists.any (
        d:
        let
          attempt = builtins.tryEval (
            isOption d.value || (isAttrs d.value && lib.lists.any isOption (lib.attrsets.attrValues d.value))
          );
        in
        attempt.success && attempt.value
      ) defs;
    in
    builtins.addErrorContext
      "while evaluating the error message for definitions for `${showOption full}', which is an option that does not exist"
      "The option `${showOption full}' does not exist. Definition values:${showDefs defs}"
    + (
      if isDeclaration then
        "\n\nIt seems as if you're trying to declare an option by placing it into `config' rather than `options'!"
      else if empty then
        "\n\nThere are no options at all below `${showOption parent}'. This can happen if you e.g. declared your options in `types.submodule' under `config' instead of `options'."
      else if length written == 1 then
        "\n\nDid you mean ${head written}?"
      else if written != [ ] then
        "\n\nDid you mean ${concatStringsSep ", " (lib.lists.init written)} or ${lib.lists.last written}?"
      else if others != [ ] then
        "\n\nAn option of that name exists as ${concatStringsSep ", " (map (o: "`${o}'") others)}."
      else
        ""
    )
    + (if more == "" then "" else "\n\n${more}");

  inContext =
    prefix: if prefix == [ ] then "" else " of `${showOption prefix}'";
in
{
  inherit suggestions remedy;

  unknownOptions =
    explain: prefix: options: unmatched:
    let
      grouped = builtins.groupBy (d: builtins.toJSON d.prefix) unmatched;
      messages = map (key: unknownOption explain prefix options grouped.${key}) (attrNames grouped);
      shown = lib.lists.take 10 messages;
      more = length messages - length shown;
    in
    concatStringsSep "\n\n" shown
    + (if more > 0 then "\n\n… and ${toString more} further undeclared options" else "");

  noValue =
    loc: type:
    "The option `${showOption loc}' was accessed but has no value defined. Try setting the option (${type.description or type.name}), for example:\n  ${showOption loc} = …;";

  wrongType =
    loc: type: defs:
    "A definition for option `${showOption loc}' is not of type `${type.description}'. Definition values:${showDefs defs}"
    + (
      let
        given = builtins.tryEval (typeOf (head defs).value);
        value = (head defs).value;
        # Types that are a list of names tell it.
        names = type.knownNames or (if type.name == "enum" then filter isString type.functor.payload.values else [ ]);
        near = if given.success && given.value == "string" then suggestions value names else [ ];
        hint =
          if !given.success then
            ""
          else if near != [ ] then
            "Did you mean ${concatStringsSep " or " (map (name: "\"${name}\"") near)}?"
          else if given.value == "string" && elem type.name [ "bool" ] && elem value [ "true" "false" "yes" "no" ] then
            "Write `${if value == "true" || value == "yes" then "true" else "false"}' without quotes."
          else if given.value == "string" && builtins.match "-?[0-9]+" value != null && lib.strings.hasInfix "int" type.name then
            "Write the number without quotes."
          else if given.value == "string" && type.name == "package" then
            "Write `pkgs.${value}' instead of a string."
          else if given.value == "int" && elem type.name [ "str" "separatedString" "singleLineStr" "nonEmptyStr" ] then
            "Put the number in quotes."
          else if
            given.value == "set"
            && elem type.name [ "bool" "int" "str" "enum" "path" "lines" "separatedString" "unsignedInt16" "nullOr" "package" ]
            && !(value ? _type)
          then
            "`${showOption loc}' is an option and has nothing inside; ${
              concatStringsSep ", " (map (n: "`${showOption (loc ++ [ n ])}'") (lib.lists.take 3 (attrNames value)))
            } does not exist."
          else if given.value != "list" && type.name == "listOf" then
            "A list is wanted: put the value in brackets, `[ … ]'."
          else
            "";
      in
      if hint == "" then "" else "\n${hint}"
    );

  conflict =
    loc: defs:
    let
      strength = (head defs).strength or 100;
      fromImages = filter (d: isImageProfile d.file) defs;
    in
    "The option `${showOption loc}' has conflicting definition values:${showDefs defs}\n"
    + "They are equally strong (priority ${toString strength}: ${lib.modules.priorityName strength}), so neither wins. "
    + remedy loc strength
    + (
      if fromImages != [ ] && length fromImages < length defs && strength == 100 then
        "\n`${toString (head fromImages).file}' is part of an image; written with `lib.mkImageMediaOverride' a value there wins over those of hosts."
      else
        ""
    );

  readOnly =
    loc: defs:
    "The option `${showOption loc}' is read-only, but it's set multiple times. Definition values:${showDefs defs}\nRemove all but one of them.";

  declaredTwice =
    loc: made: d:
    "The option `${showOption loc}' in `${d._file}' is already declared in ${showFiles made.declarations}.";

  typesDiffer =
    loc: made: d:
    "The option `${showOption loc}' in `${d._file}' is already declared in ${showFiles made.declarations}, and the two types cannot be merged: `${d.options.type.description}' and `${made.type.description}'.";

  parentIsOption =
    loc: option: nested:
    "The option `${showOption loc}' in module `${option.file}' would be a parent of the following options, but its type `${
      option.options.type.description or "<no description>"
    }' does not support nested options.\n${
      concatStringsSep "\n" (
        concatMap (
          d:
          map (name: "- option(s) with prefix `${showOption (loc ++ [ name ])}' in module `${d.file}'") (
            attrNames d.options
          )
        ) nested
      )
    }";

  optionsNotSet =
    prefix: file: value:
    if prefix == [ ] then
      "In module `${file}', `options' is ${withArticle (typeOf value)} instead of an attribute set."
    else
      "In module `${file}', the option declaration `${showOption prefix}' is ${withArticle (typeOf value)}. An option is declared by `lib.mkOption { … }', a group of options by an attribute set.";

  definitionNotSet =
    prefix: d:
    "In module `${toString d.file}', you're trying to define a value of type `${typeOf d.value}'\nrather than an attribute set for the option\n`${showOption prefix}'!\n"
    + (
      if prefix == [ ] then
        "A module's definitions are an attribute set."
      else
        "`${showOption prefix}' is not an option itself, it holds options: define those instead."
    );

  notADeclaration =
    loc: file: type:
    "In module `${toString file}': expected an option declaration at option path `${showOption loc}', but got an attribute set with type ${type}."
    + (
      if type == "option-type" then
        " Write `lib.mkOption { type = …; }' around the type."
      else if type == "configuration" then
        " Options of another evaluation are its `options'."
      else
        ""
    );

  strangeModuleAttributes =
    file: key: strange:
    let
      name = head (attrNames strange);
    in
    "Module `${moduleName file key (placeOf name strange null)}' has an unsupported attribute `${name}'. The module has `config' or `options' at its top level, so definitions must all stand inside `config': move ${
      concatStringsSep ", " (map (n: "`${n}'") (attrNames strange))
    } there.";

  notAModule =
    file: key: m:
    "A module from `${toString file}' (${key}) does not look like a module: it is ${withArticle (typeOf m)}. A module is an attribute set, a function that returns one, or a path to a file with either.";

  listAsModule =
    file:
    "In `${toString file}', `imports' contains a list. Lists of modules must be joined with `++', not nested.";

  importsNotList =
    file: value:
    "In `${toString file}', `imports' is ${withArticle (typeOf value)} instead of a list. Write `imports = [ … ];'.";

  relativeImport =
    file: text:
    "In `${toString file}', `imports' contains the string \"${text}\", which is not an absolute path. Write a path without quotes, such as ./${text}.";

  missingFile =
    file: place:
    "The module `${place}' does not exist; "
    + (
      if toString file == "<unknown-file>" || toString file == "" then
        "it is one of the modules of the evaluation."
      else
        "it is in `imports' of `${toString file}'."
    );

  foreignType =
    file: type:
    "Expected a module, but found a value of type \"${type}\", while trying to load a module into `${toString file}'."
    + (
      if type == "flake" then
        " A flake is not a module; use one of its outputs, such as `nixosModules.default'."
      else if type == "configuration" then
        " It is the result of an evaluation; import the modules it was made from instead."
      else if type == "option" then
        " Options are declared inside the `options' attribute of a module."
      else
        ""
    );

  wrongClass =
    class: m:
    "The module `${m._file}' (class: \"${toString m._class}\") cannot be imported into a module evaluation that expects class \"${class}\".";

  disabledWithoutKey =
    file:
    "In `${file}', `disabledModules' contains an attribute set without `key', so the module it means cannot be told.";

  missingArgument =
    key: name: arguments:
    "The module `${
      if lib.strings.hasInfix ":anon-" key then placeOf name arguments key else key
    }' asks for the argument `${name}', which nobody provides. Set `_module.args.${name}' in a module, or pass it through `specialArgs' if it is needed in `imports'.";
}
