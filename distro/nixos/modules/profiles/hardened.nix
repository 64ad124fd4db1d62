# Gone from NixOS: importing it does nothing, and switching it on says so.
{ lib, ... }:

{
  imports = [
    (lib.mkRemovedOptionModule [ "profiles" "hardened" ] ''
      There is no such profile any more. Set what you need of boot.kernel.sysctl, boot.kernelParams,
      security.lockKernelModules and security.protectKernelImage.
    '')
  ];
}
