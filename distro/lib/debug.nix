# Looking at values while they are evaluated.
{ lib }:
let
  inherit (builtins)
    addErrorContext attrNames concatMap deepSeq elem filter isAttrs isFunction isList map mapAttrs
    seq substring trace unsafeGetAttrPos
    ;
in
rec {
  inherit (builtins) addErrorContext trace unsafeGetAttrPos;

  traceIf = condition: message: value: if condition then trace message value else value;
  traceValFn = f: value: trace (f value) value;
  traceVal = traceValFn (x: x);
  traceSeq = x: y: trace (deepSeq x x) y;
  traceValSeqFn = f: value: traceValFn f (deepSeq value value);
  traceValSeq = traceValSeqFn (x: x);

  # As traceSeq, down to a depth; what lies deeper is shown as "…".
  traceSeqN =
    depth: x: y:
    let
      short =
        depth: value:
        if isList value && value != [ ] then
          (if depth == 0 then "[…]" else map (short (depth - 1)) value)
        else if isAttrs value && value != { } then
          (
            if depth == 0 then
              "{…}"
            else if value.type or null == "derivation" then
              "<derivation ${value.name or "?"}>"
            else
              mapAttrs (_: short (depth - 1)) value
          )
        else
          value;
      shown = short depth x;
    in
    trace (lib.generators.toPretty { } (deepSeq shown shown)) y;
  traceValSeqNFn = f: depth: value: traceSeqN depth (f value) value;
  traceValSeqN = traceValSeqNFn (x: x);
  traceFnSeqN =
    depth: name: f: value:
    let
      result = f value;
    in
    traceSeqN depth {
      fn = name;
      from = value;
      to = result;
    } result;

  # Tests { name = { expr, expected }; }: those that fail, as a list.  Names must start with
  # "test"; a set `tests` names the ones to run.
  runTests =
    tests:
    concatMap (
      name:
      let
        test = tests.${name};
        wanted = tests.tests or [ ];
        runs =
          if wanted != [ ] then elem name wanted else substring 0 4 name == "test" && name != "tests";
      in
      if !runs then
        [ ]
      else if test ? expectedError then
        (
          if (builtins.tryEval (deepSeq test.expr true)).success then
            [
              {
                inherit name;
                expected = test.expectedError;
                result = test.expr;
              }
            ]
          else
            [ ]
        )
      else if test.expr == test.expected then
        [ ]
      else
        [
          {
            inherit name;
            inherit (test) expected;
            result = test.expr;
          }
        ]
    ) (attrNames tests);

  throwTestFailures =
    {
      failures,
      description ? "tests",
      ...
    }:
    if failures == [ ] then
      null
    else
      throw "${toString (builtins.length failures)} ${description} failed:\n${
        lib.generators.toPretty { allowPrettyValues = true; } failures
      }";

  testAllTrue = expr: {
    inherit expr;
    expected = map (_: true) expr;
  };
}
