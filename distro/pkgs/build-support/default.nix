# Functions that make files and trees, by the names that nixpkgs users know.
#
# All of them end in builtin builders, which run in Firn's own process: nothing here needs a shell,
# a compiler or a sandbox.  Text may refer to store paths; its string context becomes the
# derivation's inputs as usual.
{ lib, pkgs }:
let
  builtinDerivation = import ./builtin-derivation.nix;
in
{
  inherit builtinDerivation;
}
// import ./fetchers.nix { inherit builtinDerivation; }
// import ./text.nix { inherit lib pkgs builtinDerivation; }
// import ./trees.nix { inherit pkgs builtinDerivation; }
// import ./platform.nix { inherit lib pkgs; }
