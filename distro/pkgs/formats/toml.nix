# TOML text of a value: keys with plain values first, then tables, then arrays of tables.
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    concatStringsSep
    filter
    isAttrs
    isBool
    isFloat
    isInt
    isList
    isString
    match
    replaceStrings
    toJSON
    ;

  key = name: if match "[A-Za-z0-9_-]+" name != null then name else toJSON name;
  path = names: concatStringsSep "." (map key names);

  isTable = value: isAttrs value && !(value ? outPath);
  isTableList = value: isList value && value != [ ] && all isTable value;

  inline =
    value:
    if value == null then
      throw "TOML has no null: leave the key out"
    else if isString value || builtins.isPath value || (isAttrs value && value ? outPath) then
      # JSON escapes what TOML escapes, in the same way.
      toJSON "${value}"
    else if isBool value then
      (if value then "true" else "false")
    else if isInt value then
      toString value
    else if isFloat value then
      toJSON value
    else if isList value then
      "[${concatStringsSep ", " (map inline value)}]"
    else
      "{ ${
        concatStringsSep ", " (map (name: "${key name} = ${inline value.${name}}") (attrNames value))
      } }";

  table =
    names: header: value:
    let
      present = filter (name: value.${name} != null) (attrNames value);
      plain = filter (name: !isTable value.${name} && !isTableList value.${name}) present;
      tables = filter (name: isTable value.${name}) present;
      lists = filter (name: isTableList value.${name}) present;
      below = name: names ++ [ name ];
      lines = map (name: "${key name} = ${inline value.${name}}\n") plain;
      # A table that only holds tables needs no header of its own.
      own = (if header != "" && (plain != [ ] || tables ++ lists == [ ]) then header else "") + concatStringsSep "" lines;
      parts =
        (if own == "" then [ ] else [ own ])
        ++ map (name: table (below name) "[${path (below name)}]\n" value.${name}) tables
        ++ builtins.concatMap (
          name: map (item: listed (below name) item) value.${name}
        ) lists;
    in
    concatStringsSep "\n" parts;

  # Each item of an array of tables begins with its header, empty or not.
  listed =
    names: item:
    let
      text = table names "[[${path names}]]\n" item;
      header = "[[${path names}]]\n";
    in
    if lib.hasPrefix header text then text else header + text;
in
value: table [ ] "" value
