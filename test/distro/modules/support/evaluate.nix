# A system of all modules but those of booting, on a package set that makes files and has a
# stand-in for every package that the modules name: for tests that need no Debian channel.
{ lib }:
let
  tree = ../../../../distro;
  moduleFiles = import (tree + "/nixos/modules/module-list.nix");

  # Whatever stands in the modules as pkgs.NAME or "NAME" and could be a package's name.
  namesIn =
    text:
    lib.concatLists (
      builtins.filter builtins.isList (builtins.split "pkgs\\.([a-z0-9][a-z0-9-]*)|\"([a-z0-9][a-z0-9+.-]+)\"" text)
    );
  names = lib.unique (
    builtins.filter (name: name != null) (
      lib.concatMap (file: namesIn (builtins.readFile file)) (builtins.filter (file: lib.hasSuffix ".nix" (toString file)) moduleFiles)
    )
  );

  debianPackage = name: pkgs.writeText name name // {
    pname = name;
    reference = name;
  };
  pkgs =
    builtins.listToAttrs (map (name: { inherit name; value = debianPackage name; }) names)
    // import (tree + "/pkgs/build-support") { inherit lib pkgs; }
    // {
      inherit lib;
      system = "x86_64-linux";
      debian = {
        release = "trixie";
        closureOf = packages: packages;
        hasPackage = _: true;
      };
      makeInitrd = { name, ... }: pkgs.writeText name "";
      makeHwdb = { name, ... }: pkgs.writeText name "";
    };

  # What belongs to booting, of which only some options are read here.
  isOfBooting = file:
    lib.any (part: lib.hasInfix part (toString file)) [
      "/boot/loader/" "/boot/kernel.nix" "/boot/stage-" "/boot/grow-partition.nix" "/boot/modprobe.nix"
      "/boot/tmp.nix" "/boot/initrd" "/boot/luksroot.nix" "/tasks/filesystems" "/config/swap.nix" "/image/"
    ];
  option = type: default: lib.mkOption { inherit type default; };
  inherit (lib) types;
  surroundings = {
    options = {
      boot = {
        kernel.enable = option types.bool false;
        isContainer = option types.bool false;
        kernelParams = option (types.listOf types.str) [ ];
        kernelModules = option (types.listOf types.str) [ ];
        postBootCommands = option types.lines "";
        supportedFilesystems = option (types.listOf types.str) [ ];
        initrd = {
          availableKernelModules = option (types.listOf types.str) [ ];
          kernelModules = option (types.listOf types.str) [ ];
          allowMissingModules = option types.bool false;
          prepend = option (types.listOf types.str) [ ];
        };
      };
    };
  };
in
configurations:
(import (tree + "/nixos/lib/eval-config.nix") {
  inherit lib pkgs;
  system = "x86_64-linux";
  baseModules = [ surroundings ] ++ builtins.filter (file: !(isOfBooting file)) moduleFiles;
  modules = configurations;
})
// { inherit pkgs; }
