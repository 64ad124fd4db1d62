# The package set: every binary package of Debian, and the functions that make files of them.
#
# Packages are attributes by Debian's names (`pkgs.curl`, `pkgs."libstdc++6"`), each unpacked at a
# store path of its own; `pkgs.backports.<name>` are those of the backports suite.  Overlays and
# `config` work as elsewhere.
#
# `debian` is a channel: a folder of JSON files that Firn makes from the lock file and names
# `<debian>` on its search path; any other evaluator gets it by `-I debian=PATH`.  It is only read,
# never copied, so that its place is no part of a derivation.
{
  system ? builtins.currentSystem,
  config ? { },
  debian ? <debian>,
  overlays ? [ ],
}:
import ./pkgs { inherit system config debian overlays; }
