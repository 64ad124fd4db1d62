# Assertions that say what is wrong.
{ lib }:
let
  inherit (builtins) all concatStringsSep elem filter map;
  show = lib.generators.toPretty { multiline = false; };
in
rec {
  assertMsg = condition: message: if condition then true else throw message;

  assertOneOf =
    name: value: allowed:
    assertMsg (elem value allowed) "${name} must be one of ${show allowed}, but it is ${show value}";

  assertEachOneOf =
    name: values: allowed:
    assertMsg (all (v: elem v allowed) values)
      "each element of ${name} must be one of ${show allowed}, but it is ${show values}";

  # Failed assertions of a module evaluation as one error, its warnings as trace lines.
  checkAssertWarn =
    assertions: warnings: value:
    let
      failed = map (a: a.message) (filter (a: !a.assertion) assertions);
    in
    if failed != [ ] then
      throw "\nFailed assertions:\n${concatStringsSep "\n" (map (m: "- ${m}") failed)}"
    else
      lib.trivial.showWarnings warnings value;
}
