# Evaluates a list of modules together with those of the distribution.
#
# The package set is a module argument that comes from the options under `nixpkgs`, so a module
# can choose the platform or add an overlay; `pkgs` given here takes its place.
evaluatorArguments@{
  # The platform; null leaves it to `nixpkgs.hostPlatform`.
  system ? builtins.currentSystem,
  pkgs ? null,
  # The channel of Debian's packages; null for <debian>.
  debian ? null,
  baseModules ? import ../modules/module-list.nix,
  # Arguments for modules, which may depend on the configuration.
  extraArgs ? { },
  # Arguments for modules that `imports` may depend on too.
  specialArgs ? { },
  modules,
  # The file that `modules` stand in, for messages.
  modulesLocation ? (builtins.unsafeGetAttrPos "modules" evaluatorArguments).file or null,
  extraModules ? [ ],
  check ? true,
  prefix ? [ ],
  lib ? import ../../lib,
  ...
}:
let
  located =
    if modulesLocation == null then
      modules
    else
      map (lib.modules.setDefaultModuleLocation modulesLocation) modules;

  pkgsModule = {
    _file = ./eval-config.nix;
    key = ./eval-config.nix;
    config = lib.mkMerge [
      (lib.mkIf (system != null) {
        # A module that names the platform wins.
        nixpkgs.system = lib.mkDefault system;
      })
      (lib.mkIf (debian != null) { nixpkgs.debian = lib.mkDefault debian; })
      (lib.mkIf (pkgs != null) { nixpkgs.pkgs = lib.mkOptionDefault pkgs; })
      { _module.args = extraArgs // { inherit baseModules extraModules; modules = modules; }; }
      { _module.check = lib.mkDefault check; }
    ];
  };

  evaluated = lib.evalModules {
    inherit prefix;
    class = "nixos";
    specialArgs = {
      modulesPath = toString ../modules;
    }
    // specialArgs;
    modules = baseModules ++ extraModules ++ [ pkgsModule ] ++ located;
  };

  # What evalModules gives, and the package set; extended evaluations as well.
  decorate =
    evaluation:
    evaluation
    // {
      inherit lib extraArgs;
      pkgs = evaluation._module.args.pkgs;
      extendModules = arguments: decorate (evaluation.extendModules arguments);
    };
in
decorate evaluated
