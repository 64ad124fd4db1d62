# A container and its own containers: no kernel, no boot loader.
{ pkgs, ... }:
{
  boot.isContainer = true;
  networking.hostName = "inside";
  services.postfix.enable = true;
  services.redis.servers.cache.enable = true;
  containers.nested.config = {
    services.openssh.enable = true;
    system.stateVersion = "26.05";
  };
  environment.etc."made".source = pkgs.runCommand "made" { } "date > $out";
  system.stateVersion = "26.05";
}
