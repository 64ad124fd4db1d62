# GVariant values, as dconf and GLib write them in text.
{ lib }:
let
  inherit (builtins)
    all concatStringsSep head isAttrs isBool isFloat isInt isList isString map replaceStrings
    ;

  make = type: value: text: {
    _type = "gvariant";
    inherit type value;
    __toString = _: text;
  };
  annotated = type: value: make type value "@${type} ${toString value}";

  codes = {
    mkInt16 = "n";
    mkUint16 = "q";
    mkUint32 = "u";
    mkInt64 = "x";
    mkUint64 = "t";
  };
in
rec {
  type = {
    arrayOf = t: "a${t}";
    maybeOf = t: "m${t}";
    tupleOf = ts: "(${concatStringsSep "" ts})";
    dictionaryEntryOf = k: v: "{${k}${v}}";
    string = "s";
    boolean = "b";
    uchar = "y";
    int16 = "n";
    uint16 = "q";
    int32 = "i";
    uint32 = "u";
    int64 = "x";
    uint64 = "t";
    double = "d";
    variant = "v";
  };

  isGVariant = value: isAttrs value && value._type or null == "gvariant";

  mkValue =
    value:
    if isGVariant value then
      value
    else if isBool value then
      mkBoolean value
    else if isFloat value then
      mkDouble value
    else if isString value then
      mkString value
    else if isList value then
      mkArray value
    else if isInt value then
      mkInt32 value
    else
      throw "gvariant.mkValue: ${lib.options.withArticle (builtins.typeOf value)} has no GVariant form";

  mkBoolean = value: make "b" value (if value then "true" else "false");
  mkString =
    value: make "s" value "'${replaceStrings [ "\\" "'" "\n" ] [ "\\\\" "\\'" "\\n" ] value}'";
  mkObjectpath = value: make "o" value "objectpath '${value}'";
  mkUchar = annotated "y";
  mkInt32 = value: make "i" value (toString value);
  mkInt16 = annotated codes.mkInt16;
  mkUint16 = annotated codes.mkUint16;
  mkUint32 = annotated codes.mkUint32;
  mkInt64 = annotated codes.mkInt64;
  mkUint64 = annotated codes.mkUint64;
  mkDouble = value: make "d" value (lib.strings.floatToString value);
  mkVariant =
    value:
    let
      inner = mkValue value;
    in
    make "v" inner "<${toString inner}>";
  mkArray =
    values:
    let
      inner = map mkValue values;
    in
    if values == [ ] then
      throw "gvariant.mkArray: use mkEmptyArray and say the type of the elements"
    else
      make "a${(head inner).type}" inner "@a${(head inner).type} [${
        concatStringsSep "," (map toString inner)
      }]";
  mkEmptyArray = elementType: make "a${elementType}" [ ] "@a${elementType} []";
  mkMaybe =
    elementType: value:
    make "m${elementType}" value (
      if value == null then "@m${elementType} nothing" else "just ${toString (mkValue value)}"
    );
  mkNothing = elementType: mkMaybe elementType null;
  mkJust =
    value:
    let
      inner = mkValue value;
    in
    mkMaybe inner.type inner;
  mkTuple =
    values:
    let
      inner = map mkValue values;
    in
    make "(${concatStringsSep "" (map (v: v.type) inner)})" inner "@(${
      concatStringsSep "" (map (v: v.type) inner)
    }) (${concatStringsSep "," (map toString inner)})";
  mkDictionaryEntry =
    name: value:
    let
      k = mkValue name;
      v = mkValue value;
    in
    make "{${k.type}${v.type}}" { inherit k v; } "@{${k.type}${v.type}} {${toString k},${toString v}}";
}
