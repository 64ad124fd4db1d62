# A system of the core modules alone, on a package set that makes files but has no packages: for
# tests that need no Debian channel.
{ lib }:
let
  tree = ../../../../distro;
  pkgs =
    import (tree + "/pkgs/build-support") { inherit lib pkgs; }
    // {
      inherit lib;
      system = "x86_64-linux";
      debian.release = "trixie";
      # Packages as Debian's look to modules.
      systemd = debianPackage "systemd";
      perl-base = debianPackage "perl-base";
      jq = debianPackage "jq";
    };
  debianPackage =
    name:
    pkgs.writeText name name
    // {
      pname = name;
      reference = name;
    };
  # What the core modules read of modules that are not loaded.
  surroundings =
    { lib, ... }:
    {
      options = {
        environment.systemPackages = lib.mkOption { type = lib.types.listOf lib.types.package; };
        system.path = lib.mkOption { default = pkgs.writeText "system-path" ""; };
        system.debianPackageNames = lib.mkOption { default = [ ]; };
        networking.hostName = lib.mkOption { default = "probe"; };
        boot.kernel.enable = lib.mkOption { default = false; };
      };
      config.networking = { };
    };
  modules = map (name: tree + "/nixos/modules/${name}") [
    "misc/assertions.nix"
    "misc/extra-arguments.nix"
    "misc/label.nix"
    "misc/nixpkgs.nix"
    "misc/version.nix"
    "system/activation/activation-script.nix"
    "system/activation/specialisation.nix"
    "system/activation/top-level.nix"
    "system/activation/switchable-system.nix"
    "system/boot/systemd.nix"
    "system/boot/systemd/nspawn.nix"
    "system/boot/systemd/tmpfiles.nix"
    "system/boot/systemd/user.nix"
    "system/build.nix"
    "system/etc/etc.nix"
  ];
in
configurations:
import (tree + "/nixos/lib/eval-config.nix") {
  inherit lib pkgs;
  system = "x86_64-linux";
  baseModules = [ surroundings ] ++ modules;
  modules = configurations;
}
