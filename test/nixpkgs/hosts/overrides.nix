# Values that an installation image enforces, overridden by the user, next to overlays, replaced
# packages, specialisations and disabled modules.
{ pkgs, lib, modulesPath, ... }:
{
  imports = [ "${toString modulesPath}/installer/cd-dvd/installation-cd-minimal.nix" ];
  disabledModules = [ "programs/zmap.nix" ];
  nixpkgs.overlays = [ (final: prev: { hello = prev.hello.overrideAttrs { doCheck = false; }; }) ];
  isoImage = {
    squashfsCompression = "gzip -Xcompression-level 1";
    makeEfiBootable = lib.mkForce false;
    contents = [ { source = pkgs.writeText "note" "read me"; target = "/note.txt"; } ];
  };
  networking = {
    hostName = lib.mkForce "overridden";
    wireless.enable = lib.mkForce false;
    useDHCP = lib.mkOverride 40 false;
  };
  boot = {
    supportedFilesystems = lib.mkForce [ "ext4" "vfat" ];
    loader.timeout = lib.mkForce 3;
    kernelPatches = [ { name = "more"; patch = null; structuredExtraConfig.DEBUG_INFO_BTF = lib.mkForce lib.kernel.no; } ];
  };
  services.getty.autologinUser = lib.mkForce "root";
  documentation.enable = lib.mkForce false;
  environment.systemPackages = lib.mkBefore [ pkgs.hello ];
  environment.etc."motd.d/x".text = lib.mkDefault "welcome";
  specialisation.other.configuration.networking.domain = "example.org";
}
