# Properties: marks around a definition that say when it holds, how strongly, and where in
# the order it stands.
#
# A property is a set with `_type`.  They may enclose one option's value or a whole tree of
# definitions; `pushDownProperties` moves a mark from a set to its members, and
# `dischargeProperties` resolves the conditions once a single option is reached.
{ lib }:
let
  inherit (builtins)
    all any concatMap filter foldl' head isAttrs isBool isList length map mapAttrs sort tail
    ;
in
rec {
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };

  mkAssert =
    assertion: message:
    mkIf (if assertion then true else throw "\nFailed assertion: ${message}");

  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };

  # The lower number wins.
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  defaultOverridePriority = 100;
  mkImageMediaOverride = mkOverride 60;
  mkForce = mkOverride 50;
  mkVMOverride = mkOverride 10;
  mkFixStrictness = x: x;

  # The lower number stands first.
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };
  defaultOrderPriority = 1000;
  mkBefore = mkOrder 500;
  mkAfter = mkOrder 1500;

  # A definition that states its own file.
  mkDefinition = args@{ file, value, ... }: args // { _type = "definition"; };

  # { priority → the name a user writes }, for messages.
  priorityName =
    priority:
    {
      "10" = "mkVMOverride";
      "50" = "mkForce";
      "60" = "mkImageMediaOverride";
      "100" = "a plain definition";
      "1000" = "mkDefault";
      "1500" = "mkOptionDefault, or the option's default";
    }
    .${toString priority} or "mkOverride ${toString priority}";

  # A tree of definitions as a list of plain sets, every mark moved onto the members.
  pushDownProperties =
    tree:
    if !(tree ? _type) then
      [ tree ]
    else if tree._type == "merge" then
      concatMap pushDownProperties tree.contents
    else if tree._type == "if" then
      map (onMembers (mkIf tree.condition)) (pushDownProperties tree.content)
    else if tree._type == "override" then
      map (onMembers (mkOverride tree.priority)) (pushDownProperties tree.content)
    else if tree._type == "order" then
      map (onMembers (mkOrder tree.priority)) (pushDownProperties tree.content)
    else
      [ tree ];

  # What is no set is left as it is, to be told of by whoever wants one.
  onMembers = mark: tree: if isAttrs tree then mapAttrs (_: mark) tree else tree;

  # One option's value as a list of values, conditions resolved. What is inside an override or an
  # order is not looked at: a definition that loses may not even be evaluable.
  dischargeProperties =
    value:
    if !(value ? _type) then
      [ value ]
    else if value._type == "if" then
      if !isBool value.condition then
        throw "mkIf was called with a condition that is ${lib.options.withArticle (builtins.typeOf value.condition)} instead of a Boolean"
      else if value.condition then
        dischargeProperties value.content
      else
        [ ]
    else if value._type == "merge" then
      if isList value.contents then
        concatMap dischargeProperties value.contents
      else
        throw "mkMerge was called with ${lib.options.withArticle (builtins.typeOf value.contents)} instead of a list"
    else
      [ value ];

  isConditional = value: value ? _type && (value._type == "if" || value._type == "merge");

  # Of definitions { file, value }, those with the strongest priority, marks taken off.
  filterOverrides = definitions: (filterOverrides' definitions).values;

  filterOverrides' =
    definitions:
    let
      priorities = map (d: priorityOf d.value) definitions;
      highestPrio = foldl' lib.trivial.min 2147483647 priorities;
    in
    if !any (d: isOverride d.value) definitions then
      {
        values = definitions;
        highestPrio = defaultOverridePriority;
      }
    else
      {
        inherit highestPrio;
        values = concatMap (
          d:
          if isOverride d.value then
            if d.value.priority == highestPrio then
              [
                (
                  d
                  // {
                    value = d.value.content;
                    # For messages: how strong the definition was.
                    strength = highestPrio;
                  }
                )
              ]
            else
              [ ]
          else if highestPrio == defaultOverridePriority then
            [ d ]
          else
            [ ]
        ) definitions;
      };

  isOverride = value: value ? _type && value._type == "override";
  priorityOf = value: if isOverride value then value.priority else defaultOverridePriority;

  # Definitions { file, value } in the order that mkBefore and its kin ask for.
  sortProperties =
    definitions:
    if !any (d: isOrder d.value) definitions then
      definitions
    else
      sort (a: b: a.priority < b.priority) (
        map (
          d:
          if isOrder d.value then
            d
            // {
              value = d.value.content;
              inherit (d.value) priority;
            }
          else
            d // { priority = defaultOrderPriority; }
        ) definitions
      );

  isOrder = value: value ? _type && value._type == "order";

  # Applies f to the value inside its marks.
  mapDefinitionValue =
    f: value:
    if !(value ? _type) then
      f value
    else if value._type == "if" || value._type == "override" || value._type == "order" then
      value // { content = mapDefinitionValue f value.content; }
    else if value._type == "merge" then
      value // { contents = map (mapDefinitionValue f) value.contents; }
    else if value._type == "definition" then
      value // { value = mapDefinitionValue f value.value; }
    else
      f value;
}
