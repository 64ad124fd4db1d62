# Option types.
#
# A type is a set: `check` says whether one definition fits (looking no deeper than it must),
# `merge loc defs` makes one value of { file, value } definitions that fit.  Types that
# contain other types also say which options lie inside (`getSubOptions`), which modules
# (`getSubModules`), and how to replace those (`substSubModules`).  `typeMerge functor` joins
# two declarations' types, or gives null.
#
# `passesOneThrough` marks a type whose merge of a single definition is the definition itself:
# containers then skip merging element by element, which is most of their work.
{ lib }:
let
  inherit (builtins) elem isAttrs;

  base = rec {
    isType = type: value: (value._type or "") == type;
    setType = type: value: value // { _type = type; };
    isOptionType = isType "option-type";

    defaultFunctor = name: {
      inherit name;
      type = lib.types.${name} or null;
      wrapped = null;
      payload = null;
      binOp = _: _: null;
    };

    # Joins by payload: equal names, and what the payloads' own operation makes of them.
    defaultTypeMerge =
      f: g:
      if f.name != g.name then
        null
      else if f.payload == null && g.payload == null then
        if f.wrapped == null && g.wrapped == null then
          f.type
        else if f.wrapped != null && g.wrapped != null then
          let
            merged = f.wrapped.typeMerge g.wrapped.functor;
          in
          if merged == null then null else f.type merged
        else
          null
      else if f.payload != null && g.payload != null then
        let
          merged = f.binOp f.payload g.payload;
        in
        if merged == null then null else f.type merged
      else
        null;

    mkOptionType =
      given@{ name, ... }:
      let
        functor = given.functor or (defaultFunctor name);
      in
      {
        _type = "option-type";
        description = name;
        descriptionClass = null;
        deprecationMessage = null;
        check = _: true;
        merge = lib.options.mergeDefaultOption;
        emptyValue = { };
        getSubOptions = _: { };
        getSubModules = null;
        substSubModules = _: null;
        typeMerge = defaultTypeMerge functor;
        inherit functor;
        nestedTypes = { };
      }
      // given;

    # The description of a type as part of a longer one, in parentheses where it could be
    # misread.
    optionDescriptionPhrase =
      fits: type:
      if fits (type.descriptionClass or null) then type.description else "(${type.description})";

    # Functor of a type with one element type.
    elementFunctor = name: make: elemType: {
      inherit name;
      type = payload: make payload.elemType;
      wrapped = elemType;
      payload = { inherit elemType; };
      binOp =
        a: b:
        let
          merged = a.elemType.typeMerge b.elemType.functor;
        in
        if merged == null then null else { elemType = merged; };
    };

    mergeTypes =
      a: b:
      let
        merged = a.typeMerge b.functor;
      in
      if merged == null then
        base.setType "merge-error" {
          error = "the types `${a.description}' and `${b.description}' cannot be merged";
        }
      else
        merged;
  };
  load = file: import file { inherit lib base; };
in
base
// load ./scalars.nix
// load ./strings.nix
// load ./packages.nix
// load ./containers.nix
// load ./combined.nix
// load ./submodules.nix
// load ./free.nix
