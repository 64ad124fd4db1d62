# Lists and attribute sets of values of another type, and functions to one.
{ lib, base }:
let
  inherit (builtins)
    attrNames concatLists elemAt filter genList head isAttrs isList length listToAttrs map
    mapAttrs removeAttrs tail toString unsafeGetAttrPos zipAttrsWith
    ;
  inherit (base) mkOptionType optionDescriptionPhrase elementFunctor;
  mergeDefinitions = lib.modules.mergeDefinitions;

  # One definition of an element, as { value } or { } if its conditions do not hold.
  single =
    loc: type: d:
    if d.value ? _type then
      (mergeDefinitions loc type [ d ]).optionalValue
    else
      {
        value =
          if !type.check d.value then
            (mergeDefinitions loc type [ d ]).mergedValue
          else if type.passesOneThrough or false then
            d.value
          else
            type.merge loc [ d ];
      };

  composite =
    type:
    optionDescriptionPhrase (c: c == "noun" || c == "composite") type;

  listOf =
    elemType:
    mkOptionType {
      name = "listOf";
      description = "list of ${composite elemType}";
      descriptionClass = "composite";
      check = isList;
      merge =
        loc: defs:
        let
          numbered = length defs;
          entriesOf =
            n:
            let
              d = elemAt defs n;
            in
            genList (
              m:
              single
                (loc ++ [ "[definition ${toString (n + 1)}-entry ${toString (m + 1)}]" ])
                elemType
                {
                  inherit (d) file;
                  value = elemAt d.value m;
                }
            ) (length d.value);
        in
        map (x: x.value) (filter (x: x ? value) (concatLists (genList entriesOf numbered)));
      emptyValue.value = [ ];
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "*" ]);
      getSubModules = elemType.getSubModules;
      substSubModules = m: listOf (elemType.substSubModules m);
      functor = elementFunctor "listOf" listOf elemType;
      nestedTypes.elemType = elemType;
    };

  attrsWith =
    {
      elemType,
      lazy ? false,
      placeholder ? "name",
    }:
    let
      name = if lazy then "lazyAttrsOf" else "attrsOf";
      again =
        elemType:
        attrsWith {
          inherit elemType lazy placeholder;
        };
      strict =
        loc: name: defs:
        if tail defs == [ ] then
          single (loc ++ [ name ]) elemType (head defs)
        else
          (mergeDefinitions (loc ++ [ name ]) elemType defs).optionalValue;
      lazily =
        loc: name: defs:
        let
          merged = mergeDefinitions (loc ++ [ name ]) elemType defs;
        in
        merged.optionalValue.value or elemType.emptyValue.value or merged.mergedValue;
      byName = map (
        d:
        mapAttrs (name: value: {
          inherit (d) file;
          inherit value;
          pos = unsafeGetAttrPos name d.value;
        }) d.value
      );
    in
    mkOptionType {
      inherit name;
      description =
        (if lazy then "lazy attribute set" else "attribute set") + " of ${composite elemType}";
      descriptionClass = "composite";
      check = isAttrs;
      merge =
        if lazy then
          loc: defs: zipAttrsWith (lazily loc) (byName defs)
        else
          loc: defs:
          let
            elements = zipAttrsWith (strict loc) (byName defs);
            absent = filter (name: !(elements.${name} ? value)) (attrNames elements);
          in
          mapAttrs (_: e: e.value) (
            if absent == [ ] then elements else removeAttrs elements absent
          );
      emptyValue.value = { };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<${placeholder}>" ]);
      getSubModules = elemType.getSubModules;
      substSubModules = m: again (elemType.substSubModules m);
      functor = elementFunctor "attrsWith" again elemType // {
        type = payload: attrsWith payload;
        payload = {
          inherit elemType lazy placeholder;
        };
        binOp =
          a: b:
          let
            merged = a.elemType.typeMerge b.elemType.functor;
          in
          if
            merged == null
            || a.lazy != b.lazy
            || (a.placeholder != b.placeholder && a.placeholder != "name" && b.placeholder != "name")
          then
            null
          else
            {
              elemType = merged;
              inherit (a) lazy;
              placeholder = if a.placeholder == "name" then b.placeholder else a.placeholder;
            };
      };
      nestedTypes.elemType = elemType;
    };
in
{
  inherit listOf attrsWith;

  attrsOf = elemType: attrsWith { inherit elemType; };

  # Each value is only looked at when it is wanted; a condition that does not hold then
  # leaves the name there, with the type's empty value.
  lazyAttrsOf =
    elemType:
    attrsWith {
      inherit elemType;
      lazy = true;
    };

  # The former name of attrsOf, from when lists were accepted too.
  loaOf =
    elemType:
    attrsWith { inherit elemType; }
    // {
      name = "loaOf";
      deprecationMessage = "Use `attrsOf' instead of `loaOf'.";
    };

  nonEmptyListOf =
    elemType:
    let
      list = listOf elemType;
    in
    list
    // {
      description = "non-empty ${optionDescriptionPhrase (c: c == "noun") list}";
      emptyValue = { };
      check = x: list.check x && x != [ ];
      substSubModules = m: lib.types.nonEmptyListOf (elemType.substSubModules m);
    };

  functionTo =
    elemType:
    mkOptionType {
      name = "functionTo";
      description = "function that evaluates to a(n) ${
        optionDescriptionPhrase (c: c == "noun" || c == "composite") elemType
      }";
      descriptionClass = "composite";
      check = lib.trivial.isFunction;
      merge = loc: defs: {
        __functor =
          _: argument:
          (mergeDefinitions (loc ++ [ "<function body>" ]) elemType (
            map (d: {
              inherit (d) file;
              value = d.value argument;
            }) defs
          )).mergedValue;
        __functionArgs = mapAttrs (_: builtins.all (x: x)) (
          zipAttrsWith (_: xs: xs) (map (d: lib.trivial.functionArgs d.value) defs)
        );
      };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<function body>" ]);
      getSubModules = elemType.getSubModules;
      substSubModules = m: lib.types.functionTo (elemType.substSubModules m);
      functor = elementFunctor "functionTo" lib.types.functionTo elemType;
      nestedTypes.elemType = elemType;
    };
}
