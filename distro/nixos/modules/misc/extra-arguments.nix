# Arguments that modules of the distribution ask for: `utils`.
{ lib, config, pkgs, ... }:
{
  _module.args.utils = import ../../lib/utils.nix { inherit lib config pkgs; };
}
