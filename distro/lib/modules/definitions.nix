# One option settled: its definitions, given by many modules, become one value.
#
# This is the hottest code of an evaluation: most options are never defined and take their
# default, so that case is told apart before anything is sorted or compared.
#
# A definition is { file, value } and may carry `pos`, the place of its name in the source.
{
  lib,
  properties,
  messages,
}:
let
  inherit (builtins) addErrorContext all any concatMap filter head length map tail;
  inherit (properties) dischargeProperties filterOverrides' sortProperties mkOptionDefault;

  # Conditions resolved, one level of `mkDefinition` opened.
  normalise =
    d:
    if d.value ? _type then
      concatMap (
        value:
        if value ? _type && value._type == "definition" then
          map (
            inner:
            value // { value = inner; }
          ) (dischargeProperties value.value)
        else
          [ (d // { inherit value; }) ]
      ) (dischargeProperties d.value)
    else
      [ d ];

  open =
    d:
    if properties.isConditional d.value then
      map (value: d // { inherit value; }) (dischargeProperties d.value)
    else
      [ d ];

  # The value of an option that nobody defines: many types have an empty one.
  undefined =
    loc: type:
    if type.emptyValue ? at then
      type.emptyValue.at loc
    else
      type.emptyValue.value or (throw (messages.noValue loc type));

  normaliseInContext =
    d: addErrorContext "while evaluating definitions from `${d.file}':" (normalise d);
in
rec {
  # All that is known after merging `defs` by `type` at `loc`.
  mergeDefinitions =
    loc: type: defs:
    let
      defsNormalized = concatMap normaliseInContext defs;
      defsFinal' =
        let
          strongest = filterOverrides' defsNormalized;
        in
        {
          values = sortProperties strongest.values;
          inherit (strongest) highestPrio;
        };
      defsFinal = defsFinal'.values;
      isDefined = defsFinal != [ ];
      mergedValue =
        if !isDefined then
          undefined loc type
        else if defsOpened == [ ] then
          undefined loc type
        else if all (d: type.check d.value) defsOpened then
          type.merge loc defsOpened
        else
          throw (
            messages.wrongType loc type (filter (d: !type.check d.value) defsOpened)
          );
      # Conditions inside of overrides and orders, resolved only now that a value is wanted.
      defsOpened =
        if any (d: d ? strength || d ? priority) defsFinal then concatMap open defsFinal else defsFinal;
    in
    {
      inherit defsNormalized defsFinal' defsFinal isDefined mergedValue;
      optionalValue = if isDefined then { value = mergedValue; } else { };
    };

  # An option as a leaf of the tree of options: { options, config, unmatchedDefns }, where
  # `options` is the declaration with its value and what is known of where that came from.
  settle =
    loc: option: type: declarations: declarationPositions: defs:
    let
      hasDefault = option ? default;
      default = option.default;
      file = head declarations;

      defaultDefinition = {
        inherit file;
        value = mkOptionDefault default;
      };

      # The default takes part only where no definition is stronger.
      given = mergeDefinitions loc type defs;
      merged =
        if hasDefault && (!given.isDefined || given.defsFinal'.highestPrio >= 1500) then
          mergeDefinitions loc type ([ defaultDefinition ] ++ defs)
        else
          given;

      # No definition at all and a default without marks: nothing to filter or sort.
      onlyDefault = defs == [ ] && hasDefault && !(default ? _type);
      # One definition without marks: the same.
      onlyOne = defs != [ ] && tail defs == [ ] && !((head defs).value ? _type);

      simply =
        value: definitions:
        if !type.check value then
          merged.mergedValue
        else if type.passesOneThrough or false then
          value
        else
          type.merge loc definitions;

      raw =
        if onlyDefault then
          simply default [
            {
              inherit file;
              value = default;
            }
          ]
        # Definitions whose condition does not hold are none.
        else if option.readOnly or false && length everything > 1 then
          throw (
            messages.readOnly loc (
              map (
                d: if properties.isOverride d.value then d // { value = d.value.content; } else d
              ) everything
            )
          )
        else if onlyOne then
          simply (head defs).value defs
        else
          merged.mergedValue;

      everything =
        (if hasDefault then [ defaultDefinition ] else [ ]) ++ given.defsNormalized;

      value = addErrorContext "while evaluating the option `${lib.options.showOption loc}':" (
        if option ? apply then option.apply raw else raw
      );
    in
    {
      config = value;
      unmatchedDefns = [ ];
      options = option // {
        inherit loc type declarations declarationPositions value;
        options = [ ];
        highestPrio = if onlyDefault then 1500 else merged.defsFinal'.highestPrio;
        isDefined = onlyDefault || merged.isDefined;
        definitions = map (d: d.value) merged.defsFinal;
        files = map (d: d.file) merged.defsFinal;
        definitionsWithLocations = map (
          d:
          {
            inherit (d) file value;
          }
          // (if d ? pos && d.pos != null then { inherit (d) pos; } else { })
        ) merged.defsFinal;
        # Every definition that holds, with its priority, also those that were overridden.
        allDefinitions = map (d: {
          inherit (d) file;
          priority = properties.priorityOf d.value;
          value = if properties.isOverride d.value then d.value.content else d.value;
          pos = d.pos or null;
        }) everything;
        __toString = _: lib.options.showOption loc;
      };
    };

  # The same for an option that knows its type and its declarations.
  evalOptionValue =
    loc: option: defs:
    (settle loc option option.type option.declarations (option.declarationPositions or [ ]) defs)
    .options;
}
