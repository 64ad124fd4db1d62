# The name under which a boot menu shows the system.
{ config, lib, ... }:
let
  cfg = config.system.nixos;
in
{
  options.system.nixos = {
    label = lib.mkOption {
      type = lib.types.strMatching "[a-zA-Z0-9:_.-]*";
      description = "Label of the system in boot menus and in the names of images.";
    };
    tags = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "with-xen" ];
      description = "Words put before the version in the default label.";
    };
  };

  config.system.nixos.label = lib.mkDefault (
    let
      fromEnvironment = builtins.getEnv "NIXOS_LABEL";
      version = builtins.getEnv "NIXOS_LABEL_VERSION";
    in
    if fromEnvironment != "" then
      fromEnvironment
    else
      lib.concatStringsSep "-" (
        lib.sort (a: b: a < b) cfg.tags ++ [ (if version != "" then version else cfg.version) ]
      )
  );
}
