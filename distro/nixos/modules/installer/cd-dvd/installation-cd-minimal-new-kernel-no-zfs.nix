# Debian's kernels have no ZFS anyway: the medium with the newest kernel, by another name.
{ imports = [ ./installation-cd-minimal-new-kernel.nix ]; }
