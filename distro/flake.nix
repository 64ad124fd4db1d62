# The tree as a flake: the library with nixosSystem, the package set, the modules.
#
# The state of Debian's archive is no input: `firn build FLAKE#NAME` pins it by firn.lock beside the
# flake and offers it as `<debian>`. Any other pure evaluation has to be given a channel, by the
# option nixpkgs.debian or the argument `debian`.
{
  description = "Systems and live images made of Debian's packages";

  outputs =
    { self }:
    let
      lib = import ./lib;
      system = "x86_64-linux";
    in
    {
      lib = lib // {
        nixosSystem = arguments: import ./nixos/lib/eval-config.nix ({ inherit lib system; } // arguments);
      };

      legacyPackages.${system} = import ./. { inherit system; };

      # The installation media, to be imported by name.
      nixosModules = lib.mapAttrs (_: path: ./nixos/modules/installer + path) {
        installation-cd-minimal = "/cd-dvd/installation-cd-minimal.nix";
        installation-cd-minimal-new-kernel = "/cd-dvd/installation-cd-minimal-new-kernel.nix";
        iso-image = "/cd-dvd/iso-image.nix";
        netboot-minimal = "/netboot/netboot-minimal.nix";
      };
    };
}
