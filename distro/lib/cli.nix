# Command lines from attribute sets.
{ lib }:
let
  inherit (builtins)
    attrNames concatMap concatStringsSep isBool isList map stringLength toString
    ;

  # options: name → { option, sep, explicitBool, formatArg? } for each flag.
  render =
    describe: set:
    let
      one =
        name: value:
        let
          how = describe name;
          format = how.formatArg or (lib.generators.mkValueStringDefault { });
        in
        if value == null then
          [ ]
        else if isList value then
          concatMap (one name) value
        else if isBool value && !(how.explicitBool or false) then
          (if value then [ how.option ] else [ ])
        else if how.sep or null == null then
          [
            how.option
            (format value)
          ]
        else
          [ "${how.option}${how.sep}${format value}" ];
    in
    concatMap (name: one name set.${name}) (attrNames set);

  gnuStyle =
    {
      isLong ? (name: stringLength name > 1),
      explicitBool ? false,
      formatArg ? (lib.generators.mkValueStringDefault { }),
    }:
    name: {
      option = if isLong name then "--${name}" else "-${name}";
      sep = if isLong name then "=" else "";
      inherit explicitBool formatArg;
    };
in
rec {
  # { x = true; file = [ "a" "b" ]; } → [ "-x" "--file" "a" "--file" "b" ].
  toGNUCommandLine =
    {
      mkOptionName ? (name: if stringLength name == 1 then "-${name}" else "--${name}"),
      mkBool ? (name: on: if on then [ (mkOptionName name) ] else [ ]),
      mkList ? (name: values: concatMap (mkOption name) values),
      mkOption ? (
        name: value:
        if value == null then
          [ ]
        else if optionValueSeparator == null then
          [
            (mkOptionName name)
            (lib.generators.mkValueStringDefault { } value)
          ]
        else
          [ "${mkOptionName name}${optionValueSeparator}${lib.generators.mkValueStringDefault { } value}" ]
      ),
      optionValueSeparator ? null,
    }:
    set:
    concatMap (
      name:
      let
        value = set.${name};
      in
      if isBool value then
        mkBool name value
      else if isList value then
        mkList name value
      else
        mkOption name value
    ) (attrNames set);

  toGNUCommandLineShell =
    options: set: lib.strings.escapeShellArgs (toGNUCommandLine options set);

  toCommandLine = render;
  toCommandLineShell = describe: set: lib.strings.escapeShellArgs (render describe set);
  toCommandLineGNU = options: render (gnuStyle options);
  toCommandLineShellGNU = options: set: lib.strings.escapeShellArgs (toCommandLineGNU options set);
}
