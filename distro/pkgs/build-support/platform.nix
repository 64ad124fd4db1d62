# What is said about the machine that packages run on, where nixpkgs says it.
{ lib, pkgs }:
let
  hostPlatform = lib.systems.elaborate pkgs.system;
  stdenv = {
    inherit hostPlatform;
    buildPlatform = hostPlatform;
    targetPlatform = hostPlatform;
    inherit (hostPlatform) system;
    isLinux = true;
    isDarwin = false;
    inherit (hostPlatform) isx86_64 isAarch64 is64bit;
    mkDerivation =
      arguments:
      throw "${arguments.name or arguments.pname or "a package"} cannot be built from source: this package set takes Debian's packages; use pkgs.<debian-name>, pkgs.writeTree or pkgs.mergeTrees";
  };
in
{
  inherit stdenv hostPlatform;
  stdenvNoCC = stdenv;
  buildPlatform = hostPlatform;
  targetPlatform = hostPlatform;

  runCommand =
    name: _: _:
    throw "runCommand ${name}: commands cannot be run where this package set is built; use pkgs.writeText, pkgs.writeTree or pkgs.mergeTrees";
  runCommandLocal =
    name: _: _:
    throw "runCommandLocal ${name}: commands cannot be run where this package set is built; use pkgs.writeText, pkgs.writeTree or pkgs.mergeTrees";
}
