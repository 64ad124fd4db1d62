# Types that say little or nothing about the value, and values for data formats.
{ lib, base }:
let
  inherit (builtins) all foldl' head isAttrs map tail typeOf;
  inherit (base) mkOptionType;
  inherit (lib.options) mergeEqualOption mergeOneOption;

  # Sets that stand for a string are not merged member by member.
  kindOf =
    value: if isAttrs value && lib.strings.isStringLike value then "stringCoercibleSet" else typeOf value;

  anything = mkOptionType {
    name = "anything";
    description = "anything";
    descriptionClass = "noun";
    check = _: true;
    merge =
      loc: defs:
      let
        kinds = map (d: kindOf d.value) defs;
        kind = head kinds;
      in
      if !all (k: k == kind) (tail kinds) then
        throw "The option `${lib.options.showOption loc}' has conflicting option types in ${
          lib.options.showFiles (map (d: d.file) defs)
        }.${lib.options.showDefs defs}\n${lib.options.prioritySuggestion}"
      else if kind == "set" then
        (lib.types.attrsOf anything).merge loc defs
      else if kind == "lambda" then
        argument:
        anything.merge (loc ++ [ "<function body>" ]) (
          map (d: {
            inherit (d) file;
            value = d.value argument;
          }) defs
        )
      else if kind == "stringCoercibleSet" then
        mergeOneOption loc defs
      else
        mergeEqualOption loc defs;
  };

  serializableValueWith =
    {
      typeName,
      nullable ? true,
    }:
    let
      t = lib.types;
      plain = t.oneOf [
        t.bool
        t.int
        t.float
        t.str
        t.path
        (t.attrsOf value)
        (t.listOf value)
      ];
      value = (if nullable then t.nullOr plain else plain) // {
        description = "${typeName} value";
        descriptionClass = "noun";
      };
    in
    value;
in
{
  inherit anything serializableValueWith;

  json = serializableValueWith { typeName = "JSON"; };
  toml = serializableValueWith {
    typeName = "TOML";
    nullable = false;
  };

  unspecified = mkOptionType {
    name = "unspecified";
    description = "unspecified value";
    descriptionClass = "noun";
  };

  raw = mkOptionType {
    name = "raw";
    description = "raw value";
    descriptionClass = "noun";
    merge = mergeOneOption;
    passesOneThrough = true;
  };

  # Later definitions replace earlier ones name by name; prefer `attrsOf`.
  attrs = mkOptionType {
    name = "attrs";
    description = "attribute set";
    descriptionClass = "noun";
    check = isAttrs;
    merge = _: foldl' (made: d: made // d.value) { };
    emptyValue.value = { };
  };

  luaInline = mkOptionType {
    name = "luaInline";
    description = "inline Lua code";
    descriptionClass = "noun";
    check = x: x._type or null == "lua-inline";
    merge = mergeEqualOption;
  };
}
