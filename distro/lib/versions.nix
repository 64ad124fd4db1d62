# Versions taken apart.
{ lib }:
let
  inherit (builtins) compareVersions concatStringsSep elemAt genList length splitVersion;
  part = n: version: elemAt (splitVersion version) n;
in
{
  inherit (builtins) compareVersions splitVersion;
  major = part 0;
  minor = part 1;
  patch = part 2;
  majorMinor = version: concatStringsSep "." (lib.lists.take 2 (splitVersion version));

  # Exactly n components: cut, or filled with zeros.  A suffix after "-" stays.
  pad =
    n: version:
    let
      parts = lib.strings.splitString "-" version;
      numbers = splitVersion (builtins.head parts);
      suffix = if length parts == 1 then "" else "-" + concatStringsSep "-" (builtins.tail parts);
    in
    concatStringsSep "." (
      lib.lists.take n (numbers ++ genList (_: "0") (lib.trivial.max 0 (n - length numbers)))
    )
    + suffix;
}
