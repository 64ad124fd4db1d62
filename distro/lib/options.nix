# Options: declaring them, merging their definitions in simple ways, showing them.
{ lib }:
let
  inherit (builtins)
    all any attrNames concatLists concatMap concatStringsSep elem elemAt filter foldl' genList
    head isAttrs isBool isFunction isInt isList isPath isString length map mapAttrs match
    removeAttrs stringLength substring tail toJSON typeOf
    ;
in
rec {
  isOption = value: value ? _type && value._type == "option";

  # type, default, defaultText, example, description, relatedPackages, apply, internal,
  # visible, readOnly: all may be left out.
  mkOption = attrs: attrs // { _type = "option"; };

  mkEnableOption =
    name:
    mkOption {
      default = false;
      example = true;
      description = "Whether to enable ${
        if isAttrs name && name._type or "" == "mdDoc" then name.text else name
      }.";
      type = lib.types.bool;
    };

  # An option that holds one package of `pkgs`, by default the one at the given name or path.
  mkPackageOption =
    pkgs: name:
    {
      nullable ? false,
      default ? name,
      example ? null,
      extraDescription ? "",
      pkgsText ? "pkgs",
    }:
    let
      words = if isList name then lib.lists.last name else name;
      path = if isList default then default else [ default ];
      text = lib.attrsets.showAttrPath path;
    in
    mkOption (
      {
        type = if nullable then lib.types.nullOr lib.types.package else lib.types.package;
        description =
          "The ${words} package to use." + (if extraDescription == "" then "" else " ${extraDescription}");
      }
      // (
        if default == null then
          (if nullable then { default = null; } else { })
        else
          {
            default = lib.attrsets.attrByPath path (throw "`${pkgsText}' has no package `${text}', which is the default of an option") pkgs;
            defaultText = literalExpression "${pkgsText}.${text}";
          }
      )
      // (
        if example == null then
          { }
        else
          {
            example = literalExpression (
              if isList example then "${pkgsText}.${lib.attrsets.showAttrPath example}" else example
            );
          }
      )
    );

  mkSinkUndeclaredOptions =
    attrs:
    mkOption (
      {
        internal = true;
        visible = false;
        default = false;
        description = "Accepts definitions of undeclared options and ignores them.";
        type = lib.types.mkOptionType {
          name = "sink";
          check = _: true;
          merge = _: _: false;
        };
        apply = _: throw "the sink for undeclared options has no value";
      }
      // attrs
    );

  # Merging by what the values are.
  mergeDefaultOption =
    loc: defs:
    let
      values = getValues defs;
    in
    if length values == 1 then
      head values
    else if all isFunction values then
      x: mergeDefaultOption loc (map (f: {
        file = "<unknown-file>";
        value = f x;
      }) values)
    else if all isList values then
      concatLists values
    else if all isAttrs values then
      foldl' lib.attrsets.recursiveUpdate { } values
    else if all isBool values then
      any (x: x) values
    else if all isString values then
      concatStringsSep "" values
    else if all isInt values && all (x: x == head values) values then
      head values
    else
      throw "Cannot merge definitions of `${showOption loc}'. Definition values:${showDefs defs}\n${prioritySuggestion}";

  mergeOneOption = mergeUniqueOption { message = ""; };

  mergeUniqueOption =
    {
      message,
      merge ? null,
    }:
    loc: defs:
    if length defs == 1 then
      if merge == null then (head defs).value else merge loc defs
    else
      throw "The option `${showOption loc}' is defined multiple times while it's expected to be unique.${
        if message == "" then "" else "\n${message}"
      }\nDefinition values:${showDefs defs}\n${prioritySuggestion}";

  # All definitions must agree.
  mergeEqualOption =
    loc: defs:
    if tail defs == [ ] then
      (head defs).value
    else
      let
        first = (head defs).value;
      in
      if all (d: d.value == first) (tail defs) then
        first
      else
        throw (lib.modules.conflictMessage loc defs);

  prioritySuggestion = "Use `lib.mkForce value` or `lib.mkDefault value` to change the priority on any of these definitions.";

  getValues = map (x: x.value);
  getFiles = map (x: x.file);

  # Text for documentation.
  literalExpression =
    text:
    if isString text then
      {
        _type = "literalExpression";
        inherit text;
      }
    else
      throw "literalExpression expects a string";
  literalCode = language: text: literalMD "```${language}\n${text}\n```";
  literalMD =
    text:
    if isString text then
      {
        _type = "literalMD";
        inherit text;
      }
    else
      throw "literalMD expects a string";
  # Descriptions are Markdown anyway; configurations of earlier years still mark them so.
  mdDoc = text: text;

  renderOptionValue =
    value:
    if value ? _type && value ? text then
      value
    else
      literalExpression (
        lib.generators.toPretty {
          multiline = true;
          allowPrettyValues = true;
        } value
      );

  # Packages become their names, so that documentation does not evaluate them.
  scrubOptionValue =
    value:
    if isAttrs value && value.type or null == "derivation" then
      value
      // {
        outPath = value.name;
        drvPath = value.name;
      }
    else if isList value then
      map scrubOptionValue value
    else if isAttrs value then
      mapAttrs (_: scrubOptionValue) (removeAttrs value [ "_args" ])
    else
      value;

  # The options of a tree, with those inside submodules, as a list for documentation.
  optionAttrSetToDocList = optionAttrSetToDocList' [ ];
  optionAttrSetToDocList' =
    _: options:
    concatMap (
      option:
      let
        name = showOption option.loc;
        visible = option.visible or true;
        doc = {
          inherit (option) loc;
          inherit name;
          description = option.description or null;
          declarations = filter (file: file != "<unknown-file>") option.declarations;
          internal = option.internal or false;
          visible = if isBool visible then visible else visible == "shallow";
          readOnly = option.readOnly or false;
          type = option.type.description or "unspecified";
        }
        // (if option ? example then { example = renderOptionValue option.example; } else { })
        // (
          if option ? defaultText then
            { default = renderOptionValue option.defaultText; }
          else if option ? default then
            { default = builtins.addErrorContext "while evaluating the default value of option `${name}':" (renderOptionValue option.default); }
          else if option.type.emptyValue ? value then
            { default = renderOptionValue option.type.emptyValue.value; }
          else
            { }
        )
        // (
          if option ? relatedPackages && option.relatedPackages != null then
            { inherit (option) relatedPackages; }
          else
            { }
        );
        inner = option.type.getSubOptions option.loc;
      in
      [ doc ]
      ++ (
        if inner != { } && visible == true || visible == "transparent" then
          optionAttrSetToDocList' [ ] inner
        else
          [ ]
      )
    ) (lib.attrsets.collect isOption options);

  # Showing.
  showOption =
    parts:
    let
      part =
        name:
        if elem name [ "*" "<name>" "<function body>" ] || match "<.*>" name != null then
          name
        else
          lib.strings.escapeNixIdentifier name;
    in
    concatStringsSep "." (map part parts);

  showFiles = files: concatStringsSep " and " (map (file: "`${toString file}'") files);

  # One line per definition: its file, its line there, its value cut short.
  showDefs =
    defs:
    concatStringsSep "" (
      map (
        d:
        let
          pretty = lib.generators.toPretty { indent = "    "; } (
            lib.generators.withRecursion {
              depthLimit = 10;
              throwOnDepthLimit = false;
            } d.value
          );
          attempt = builtins.tryEval pretty;
          lines = lib.strings.splitString "\n" attempt.value;
          shown =
            concatStringsSep "\n    " (lib.lists.take 5 lines)
            + (if length lines > 5 then "\n    ..." else "");
          pos = d.pos or null;
          # An expression given on a command line has no file.
          unknown = toString d.file == unknownModule && substring 0 1 (toString pos.file) == "/";
          # Where a definition was handed on by another module, the line is of no help.
          place =
            if pos != null && unknown then
              "${toString pos.file}' (line ${toString pos.line})"
            else if pos != null && toString pos.file == toString d.file then
              "${toString d.file}' (line ${toString pos.line})"
            else
              "${toString d.file}'";
        in
        builtins.addErrorContext "while evaluating a definition from `${toString d.file}'" (
          "\n- In `${place}" + (if attempt.success then ": ${shown}" else "")
        )
      ) defs
    );

  showOptionWithDefLocs =
    option:
    "${showOption option.loc}, with values defined in:${
      concatStringsSep "" (
        map (d: "\n  - ${toString d.file}") option.definitionsWithLocations
      )
    }";

  unknownModule = "<unknown-file>";

  withArticle =
    type:
    {
      int = "an integer";
      set = "an attribute set";
      lambda = "a function";
      null = "null";
      bool = "a Boolean";
    }
    .${type} or "a ${type}";
}
