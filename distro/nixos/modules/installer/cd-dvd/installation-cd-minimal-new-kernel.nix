# The small installation medium with the newest kernel.
{
  imports = [
    ./installation-cd-minimal.nix
    ./latest-kernel.nix
  ];
}
