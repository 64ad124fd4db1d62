# Types made of others: choices, null or something, values converted on the way in.
{ lib, base }:
let
  inherit (builtins)
    all attrNames concatStringsSep elem filter foldl' head isAttrs isBool isInt isString length
    map mapAttrs removeAttrs tail toString typeOf
    ;
  inherit (base) mkOptionType optionDescriptionPhrase elementFunctor;
  inherit (lib.options) mergeEqualOption mergeOneOption mergeUniqueOption showFiles showOption;

  showValue =
    v:
    if isInt v then
      toString v
    else if isString v then
      ''"${v}"''
    else if isBool v then
      lib.trivial.boolToString v
    else
      "<${typeOf v}>";
in
rec {
  enum =
    values:
    mkOptionType {
      name = "enum";
      description =
        if values == [ ] then
          "impossible (empty enum)"
        else if tail values == [ ] then
          "value ${showValue (head values)} (singular enum)"
        else
          "one of ${concatStringsSep ", " (map showValue values)}";
      descriptionClass = if length values < 2 then "noun" else "conjunction";
      check = x: elem x values;
      merge = mergeEqualOption;
      passesOneThrough = true;
      functor = base.defaultFunctor "enum" // {
        type = payload: enum payload.values;
        payload = { inherit values; };
        binOp = a: b: { values = lib.lists.unique (a.values ++ b.values); };
      };
    };

  nullOr =
    elemType:
    mkOptionType {
      name = "nullOr";
      description = "null or ${
        optionDescriptionPhrase (c: c == "noun" || c == "conjunction") elemType
      }";
      descriptionClass = "conjunction";
      check = x: x == null || elemType.check x;
      passesOneThrough = elemType.passesOneThrough or false;
      merge =
        loc: defs:
        let
          given = filter (d: d.value != null) defs;
        in
        if given == [ ] then
          null
        else if length given == length defs then
          elemType.merge loc defs
        else
          throw "The option `${showOption loc}' is defined both null and not null, in ${
            showFiles (map (d: d.file) defs)
          }.${lib.options.showDefs defs}\n${lib.options.prioritySuggestion}";
      emptyValue.value = null;
      inherit (elemType) getSubOptions getSubModules;
      substSubModules = m: nullOr (elemType.substSubModules m);
      functor = elementFunctor "nullOr" nullOr elemType;
      nestedTypes.elemType = elemType;
    };

  either =
    first: second:
    mkOptionType {
      name = "either";
      # A clause of its own ends with a comma.
      description = "${
        if first.descriptionClass or null == "nonRestrictiveClause" then
          first.description + ","
        else
          optionDescriptionPhrase (c: c == "noun" || c == "conjunction") first
      } or ${
        optionDescriptionPhrase (c: c == "noun" || c == "conjunction" || c == "composite") second
      }";
      descriptionClass = "conjunction";
      check = x: first.check x || second.check x;
      passesOneThrough = (first.passesOneThrough or false) && (second.passesOneThrough or false);
      merge =
        loc: defs:
        if all (d: first.check d.value) defs then
          first.merge loc defs
        else if all (d: second.check d.value) defs then
          second.merge loc defs
        else
          mergeOneOption loc defs;
      typeMerge =
        functor:
        let
          mergedFirst = first.typeMerge (head functor.payload.elemTypes).functor;
          mergedSecond = second.typeMerge (lib.lists.last functor.payload.elemTypes).functor;
        in
        if functor.name == "either" && mergedFirst != null && mergedSecond != null then
          either mergedFirst mergedSecond
        else
          null;
      functor = base.defaultFunctor "either" // {
        payload.elemTypes = [
          first
          second
        ];
      };
      nestedTypes = {
        left = first;
        right = second;
      };
    };

  oneOf =
    types:
    if types == [ ] then
      throw "types.oneOf needs at least one type"
    else
      foldl' either (head types) (tail types);

  # Accepts `from` as well, converted; `to` is what the option holds.
  coercedTo =
    from: convert: to:
    let
      convertOne = x: if from.check x then convert x else x;
    in
    if from.getSubModules or null != null then
      throw "coercedTo: the type to convert from must not contain submodules, but it is ${from.description}"
    else
      mkOptionType {
        name = "coercedTo";
        description = "${
          optionDescriptionPhrase (c: c == "noun") to
        } or ${optionDescriptionPhrase (c: c == "noun") from} convertible to it";
        check = x: (from.check x && to.check (convert x)) || to.check x;
        merge = loc: defs: to.merge loc (map (d: d // { value = convertOne d.value; }) defs);
        emptyValue = to.emptyValue;
        inherit (to) getSubOptions getSubModules;
        substSubModules = m: coercedTo from convert (to.substSubModules m);
        typeMerge = _: null;
        functor = base.defaultFunctor "coercedTo" // {
          wrapped = to;
        };
        nestedTypes = {
          coercedType = from;
          finalType = to;
        };
      };

  # A further condition on a type.
  addCheck = elemType: check: elemType // { check = x: elemType.check x && check x; };

  uniq = unique { message = ""; };
  unique =
    { message }:
    elemType:
    mkOptionType {
      name = "unique";
      inherit (elemType) description descriptionClass check;
      merge = mergeUniqueOption {
        inherit message;
        inherit (elemType) merge;
      };
      inherit (elemType) emptyValue getSubOptions getSubModules;
      substSubModules = m: unique { inherit message; } (elemType.substSubModules m);
      functor = elementFunctor "unique" (unique { inherit message; }) elemType;
      nestedTypes.elemType = elemType;
    };

  # For documentation: wrong definitions in a submodule are no reason not to show its options.
  noCheckForDocsModule._module.check = lib.modules.mkForce false;

  # A set with exactly one of the given names, each an option of its own.
  attrTag =
    given:
    let
      # Each tag knows where it was written.
      tags = mapAttrs (
        name: option:
        let
          pos = builtins.unsafeGetAttrPos name given;
        in
        {
          declarations = if pos == null then [ "<unknown-file>" ] else [ pos.file ];
          declarationPositions = if pos == null then [ ] else [ pos ];
        }
        // option
      ) given;
      names = attrNames tags;
      choices = concatStringsSep ", " names;
      bare = filter (name: !lib.options.isOption tags.${name}) names;
    in
    if bare != [ ] then
      throw "In attrTag, each tag value must be an option, but `${head bare}' is not: wrap its type in mkOption"
    else
    mkOptionType {
      name = "attrTag";
      description = "attribute-tagged union with choices: ${choices}";
      descriptionClass = "noun";
      check = x: isAttrs x && length (attrNames x) == 1 && tags ? ${head (attrNames x)};
      merge =
        loc: defs:
        let
          chosen = head (attrNames (head defs).value);
          option = tags.${chosen};
        in
        if all (d: attrNames d.value == [ chosen ]) defs then
          {
            ${chosen} =
              (lib.modules.evalOptionValue (loc ++ [ chosen ]) option (
                map (d: d // { value = d.value.${chosen}; }) defs
              )).value;
          }
        else
          throw "The option `${showOption loc}' is defined with different tags, but it can hold one of ${choices}.${lib.options.showDefs defs}\n${lib.options.prioritySuggestion}";
      getSubOptions =
        prefix: mapAttrs (name: option: option // { loc = prefix ++ [ name ]; }) tags;
      functor = base.defaultFunctor "attrTag" // {
        type = payload: attrTag payload.tags;
        payload = { inherit tags; };
        # A tag in both is one option, declared twice.
        binOp = a: b: {
          tags =
            a.tags
            // b.tags
            // mapAttrs (
              name: option:
              lib.modules.fixupOptionType [ name ] (
                lib.modules.mergeOptionDecls [ name ] (
                  map
                    (options: {
                      _file = head options.declarations;
                      pos = null;
                      options = removeAttrs options [ "loc" "declarations" "declarationPositions" ];
                    })
                    [
                      a.tags.${name}
                      option
                    ]
                )
              )
              // {
                declarations = a.tags.${name}.declarations ++ option.declarations;
                declarationPositions = a.tags.${name}.declarationPositions ++ option.declarationPositions;
              }
            ) (builtins.intersectAttrs a.tags b.tags);
        };
      };
      nestedTypes = mapAttrs (_: option: option.type) tags;
    };
}
