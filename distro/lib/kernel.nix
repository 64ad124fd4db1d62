# Values of a Linux kernel configuration.
{ lib }:
let
  answer = tristate: {
    inherit tristate;
    optional = false;
  };
in
{
  yes = answer "y";
  no = answer "n";
  module = answer "m";
  unset = answer null;
  option = value: value // { optional = true; };
  freeform = value: {
    freeform = value;
    optional = false;
  };
  whenHelpers = version: {
    whenAtLeast = v: lib.modules.mkIf (lib.strings.versionAtLeast version v);
    whenOlder = v: lib.modules.mkIf (lib.strings.versionOlder version v);
    whenBetween =
      low: high:
      lib.modules.mkIf (
        lib.strings.versionAtLeast version low && lib.strings.versionOlder version high
      );
  };
}
