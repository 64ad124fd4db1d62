# A system from its configuration: `import nixos { configuration = ./my-host.nix; }`.
#
# Gives { config, options, pkgs, system, vm, vmWithBootLoader }: `system` is the whole system as
# one store path, `config.system.build` holds everything else that can be built.
{
  configuration ? import ./lib/from-env.nix "NIXOS_CONFIG" <nixos-config>,
  system ? builtins.currentSystem,
  # Further named arguments of eval-config.nix.
  ...
}@arguments:
let
  evaluated = import ./lib/eval-config.nix (
    removeAttrs arguments [ "configuration" ]
    // {
      inherit system;
      modules = if builtins.isList configuration then configuration else [ configuration ];
    }
  );
in
{
  inherit (evaluated) pkgs config options lib;
  system = evaluated.config.system.build.toplevel;
  inherit (evaluated.config.system.build) vm vmWithBootLoader;
}
