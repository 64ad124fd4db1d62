# Nix values written in the formats that programs read.
#
# Every generator takes its options first and the value last, so that a partial application
# is a function from values to text.
{ lib }:
let
  inherit (builtins)
    attrNames concatMap concatStringsSep filter head isAttrs isBool isFloat isFunction isInt
    isList isPath isString length map mapAttrs match replaceStrings stringLength toString
    typeOf
    ;
  inherit (lib.strings) escapeNixIdentifier splitString;

  # A value as most flat formats spell it.
  plainValue =
    value:
    if isInt value then
      toString value
    else if lib.attrsets.isDerivation value then
      toString value
    else if isString value then
      value
    else if value == true then
      "true"
    else if value == false then
      "false"
    else if value == null then
      "null"
    else if isFloat value then
      lib.strings.floatToString value
    else if isPath value then
      toString value
    else if isList value then
      throw "generators: a list cannot be written as a plain value: ${short value}"
    else if isAttrs value then
      if lib.strings.isStringLike value then
        "${value}"
      else
        throw "generators: an attribute set cannot be written as a plain value: ${short value}"
    else
      throw "generators: ${lib.options.withArticle (typeOf value)} cannot be written as a plain value";

  short = value: toPretty { multiline = false; } (withRecursion { depthLimit = 3; throwOnDepthLimit = false; } value);

  withRecursion =
    {
      depthLimit,
      throwOnDepthLimit ? true,
    }:
    assert isInt depthLimit;
    let
      special = [
        "__functor" "__functionArgs" "__toString" "__pretty"
      ];
      go =
        depth: value:
        if depth > depthLimit then
          tooDeep
        else if value ? __functor then
          value
        else if isAttrs value then
          mapAttrs (
            name: inner: if builtins.elem name special then inner else go (depth + 1) inner
          ) value
        else if isList value then
          map (go (depth + 1)) value
        else if depth > 0 && depth >= depthLimit && !isFunction value then
          tooDeep
        else
          value;
      tooDeep =
        if throwOnDepthLimit then
          throw "generators.withRecursion: the value is nested deeper than ${toString depthLimit} levels"
        else
          "<unevaluated>";
    in
    go 0;

  toPretty =
    {
      multiline ? true,
      allowPrettyValues ? false,
      indent ? "",
    }:
    let
      quote =
        s: replaceStrings [ "\n" "\r" "\t" ] [ "\\n" "\\r" "\\t" ] (
          replaceStrings [ "\\" "\"" "\${" ] [ "\\\\" "\\\"" "\\\${" ] s
        );
      go =
        indent: value:
        let
          inner = indent + "  ";
          open = if multiline then "\n" + inner else " ";
          close = if multiline then "\n" + indent else " ";
          between = if multiline then "\n" + inner else " ";
        in
        if isInt value then
          toString value
        else if isFloat value then
          builtins.toJSON value
        else if isString value then
          text indent value
        else if value == true then
          "true"
        else if value == false then
          "false"
        else if value == null then
          "null"
        else if isPath value then
          toString value
        else if isList value then
          if value == [ ] then
            "[ ]"
          else
            "[" + open + concatStringsSep between (map (go inner) value) + close + "]"
        else if lib.trivial.isFunction value then
          let
            args = lib.trivial.functionArgs value;
            shown = concatStringsSep ", " (
              map (name: if args.${name} then "${name}?" else name) (attrNames args)
            );
          in
          if args == { } then "<function>" else "<function, args: {${shown}}>"
        else if isAttrs value then
          if allowPrettyValues && value ? __pretty && value ? val then
            value.__pretty value.val
          else if value == { } then
            "{ }"
          else if value.type or null == "derivation" then
            "<derivation ${value.name or "???"}>"
          else
            "{"
            + open
            + concatStringsSep between (
              map (
                name:
                "${escapeNixIdentifier name} = ${
                  builtins.addErrorContext "while evaluating an attribute `${name}'" (go inner value.${name})
                };"
              ) (attrNames value)
            )
            + close
            + "}"
        else
          "<${typeOf value}>";
      text =
        indent: value:
        let
          lines = splitString "\n" value;
          escaped = map (replaceStrings [ "\${" "''" ] [ "''\${" "'''" ]) lines;
          body = concatStringsSep ("\n" + indent + "  ") (lib.lists.init escaped);
          last = lib.lists.last escaped;
        in
        if multiline && length lines > 1 then
          "''\n${indent}  ${body}"
          + (if last == "" then "\n${indent}''" else "\n${indent}  ${last}''")
        else
          "\"${quote value}\"";
    in
    go indent;
in
rec {
  inherit toPretty withRecursion;

  mkValueStringDefault = { }: plainValue;

  # key, separator, value; the separator is escaped in the key.
  mkKeyValueDefault =
    {
      mkValueString ? mkValueStringDefault { },
    }:
    separator: key: value:
    "${lib.strings.escape [ separator ] key}${separator}${mkValueString value}";

  toKeyValue =
    {
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
      indent ? "",
    }:
    set:
    let
      line = key: value: indent + mkKeyValue key value + "\n";
      linesOf =
        if listsAsDuplicateKeys then
          key: value: map (line key) (lib.lists.toList value)
        else
          key: value: [ (line key value) ];
    in
    concatStringsSep "" (concatMap (key: linesOf key set.${key}) (attrNames set));

  toINI =
    {
      mkSectionName ? lib.strings.escape [
        "["
        "]"
      ],
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    sections:
    concatStringsSep "\n" (
      map (
        name:
        "[${mkSectionName name}]\n"
        + toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } sections.${name}
      ) (attrNames sections)
    );

  toINIWithGlobalSection =
    options:
    {
      globalSection,
      sections ? { },
    }:
    (
      if globalSection == { } then
        ""
      else
        toKeyValue (builtins.removeAttrs options [ "mkSectionName" ]) globalSection + "\n"
    )
    + toINI options sections;

  # Git's configuration: nested sets are subsections.
  toGitINI =
    set:
    let
      sectionName =
        path:
        if length path == 1 then
          head path
        else
          ''${head path} "${replaceStrings [ "\\" "\"" ] [ "\\\\" "\\\"" ] (
            concatStringsSep "." (builtins.tail path)
          )}"'';
      value =
        v:
        let
          escaped = replaceStrings [ "\\" "\"" "\n" ] [ "\\\\" "\\\"" "\\n" ] v;
        in
        if isString v then
          "\"${escaped}\""
        else
          plainValue v;
      flat =
        path: set:
        let
          names = attrNames set;
          nested = filter (n: isAttrs set.${n} && !lib.attrsets.isDerivation set.${n}) names;
          direct = lib.lists.subtractLists nested names;
          own =
            if direct == [ ] then
              [ ]
            else
              [
                {
                  name = sectionName path;
                  lines = concatMap (
                    n: map (v: "\t${n} = ${value v}\n") (lib.lists.toList set.${n})
                  ) direct;
                }
              ];
        in
        own ++ concatMap (n: flat (path ++ [ n ]) set.${n}) nested;
    in
    concatStringsSep "\n" (
      map (section: "[${section.name}]\n${concatStringsSep "" section.lines}") (
        concatMap (n: flat [ n ] set.${n}) (attrNames set)
      )
    );

  toJSON = { }: builtins.toJSON;
  # JSON is YAML.
  toYAML = { }: builtins.toJSON;

  # dconf's keyfiles.
  mkDconfKeyValue = mkKeyValueDefault {
    mkValueString = v: toString (lib.gvariant.mkValue v);
  } "=";
  toDconfINI = toINI { mkKeyValue = mkDconfKeyValue; };

  # Apple's property lists.
  toPlist =
    {
      escape ? false,
    }:
    value:
    let
      string = s: if escape then lib.strings.escapeXML s else s;
      go =
        indent: v:
        let
          inner = indent + "\t";
          block =
            tag: items:
            "${indent}<${tag}>\n${concatStringsSep "\n" items}\n${indent}</${tag}>";
          kept = filter (n: v.${n} != null) (attrNames v);
        in
        if v == null then
          ""
        else if isBool v then
          "${indent}<${lib.trivial.boolToString v}/>"
        else if isInt v then
          "${indent}<integer>${toString v}</integer>"
        else if isFloat v then
          "${indent}<real>${toString v}</real>"
        else if isString v || isPath v || lib.attrsets.isDerivation v then
          "${indent}<string>${string (toString v)}</string>"
        else if isList v then
          block "array" (map (go inner) v)
        else if isAttrs v then
          block "dict" (
            map (n: "${inner}<key>${string n}</key>\n${go inner v.${n}}") kept
          )
        else
          throw "generators.toPlist: ${lib.options.withArticle (typeOf v)} has no form in a property list";
    in
    ''
      <?xml version="1.0" encoding="UTF-8"?>
      <!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
      <plist version="1.0">
    ''
    + go "" value
    + "\n</plist>";

  toDhall =
    options: value:
    if isBool value then
      (if value then "True" else "False")
    else if isInt value then
      "${if value < 0 then "" else "+"}${toString value}"
    else if isFloat value then
      toString value
    else if isList value then
      "[ ${concatStringsSep ", " (map (toDhall options) value)} ]"
    else if isAttrs value then
      "{ ${
        concatStringsSep ", " (map (n: "${n} = ${toDhall options value.${n}}") (attrNames value))
      } }"
    else if isFunction value then
      throw "generators.toDhall: a function has no form in Dhall"
    else if value == null then
      throw "generators.toDhall: null has no form in Dhall"
    else
      builtins.toJSON value;

  mkLuaInline = expr: {
    _type = "lua-inline";
    inherit expr;
  };

  toLua =
    {
      multiline ? true,
      indent ? "",
      asBindings ? false,
    }@options:
    value:
    let
      inner = options // {
        indent = indent + (if multiline then "  " else "");
        asBindings = false;
      };
      pad = inner.indent;
      break = if multiline then "\n" else " ";
      bindings = map (
        n:
        if match "[a-zA-Z_][a-zA-Z0-9_]*(\\.[a-zA-Z_][a-zA-Z0-9_]*)*" n == null then
          throw "generators.toLua: `${n}' cannot be the name of a Lua variable"
        else
          "${indent}${n} = ${toLua (options // { asBindings = false; }) value.${n}}\n"
      ) (attrNames value);
      table =
        items:
        if items == [ ] then
          "{}"
        else
          "{${break}${pad}${concatStringsSep ",${break}${pad}" items}${break}${indent}}";
    in
    if asBindings then
      concatStringsSep "" bindings
    else if value == null then
      "nil"
    else if isInt value || isFloat value || isString value || isBool value then
      builtins.toJSON value
    else if isPath value || lib.attrsets.isDerivation value then
      builtins.toJSON "${toString value}"
    else if isList value then
      table (map (toLua inner) value)
    else if isAttrs value then
      if value._type or null == "lua-inline" then
        "(${value.expr})"
      else
        table (
          map (
            n: "[${builtins.toJSON n}] = ${toLua inner value.${n}}"
          ) (attrNames value)
        )
    else
      throw "generators.toLua: ${lib.options.withArticle (typeOf value)} has no form in Lua";
}
