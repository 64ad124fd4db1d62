# Debian's packages as derivations, and what can be asked about them.
#
# main       every package of the release with its updates and security fixes, by name
# backports  every package of the backports suite, by name
# debian     functions: closures, sets by priority, checked look-up
{
  lib,
  channel,
  config,
  pkgs,
}:
let
  inherit (builtins) hasAttr mapAttrs;

  makePackage = import ./package.nix { inherit channel config pkgs; };
  closures = import ./closure.nix { inherit pkgs get; };
  suggest = import ./suggest.nix;

  # The package of a reference as channels write it: NAME or backports/NAME.
  get =
    reference:
    let
      isBackport = builtins.substring 0 10 reference == "backports/";
      name = builtins.substring 10 (-1) reference;
    in
    if isBackport then
      pkgs.backports.${name} or (missing channel.backports.names "Debian's backports have" name)
    else
      pkgs.${reference} or (missing channel.main.names "Debian ${channel.info.release} has" reference);

  missing =
    names: subject: name:
    throw "${subject} no package ${name}${suggest names name} (if it is new in the archive, renew the lock file with firn update)";

  packagesOf = names: map (name: pkgs.${name}) names;
in
{
  main = mapAttrs (name: _: makePackage channel.main "" name) channel.main.names;

  backports = mapAttrs (
    name: _: makePackage channel.backports "backports/" name
  ) channel.backports.names;

  debian = {
    inherit (channel) architecture;
    inherit (channel.info) release dates;

    # The package called `name`, or an error that names close ones.
    package = get;
    hasPackage = name: hasAttr name channel.main.names;

    inherit (closures) closureOf closureWith conflictsIn;

    # Packages that all others may use without depending on them.
    essential = packagesOf channel.main.sets.essential;
    # Packages of each priority; `required` includes the essential ones.
    required = packagesOf channel.main.sets.required;
    important = packagesOf channel.main.sets.important;
    standard = packagesOf channel.main.sets.standard;
  };
}
