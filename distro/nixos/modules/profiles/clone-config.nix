# Puts a configuration on the medium that describes the medium itself, as a start for one's own.
{ config, lib, pkgs, modules ? [ ], ... }:

let
  inherit (lib) mkOption types;
  cfg = config.installer;

  tree = toString ../.;
  isFile = module: !(builtins.isAttrs module) && !(builtins.isFunction module);
  # Modules of this tree by the place they have on any machine; the user's own stay with the user.
  own = lib.filter (file: lib.hasPrefix tree (toString file)) (lib.filter isFile modules);
  relocated = map (file: "<nixpkgs/nixos/modules${lib.removePrefix tree (toString file)}>") own;

  clone = pkgs.writeText "configuration.nix" ''
    { config, pkgs, ... }:

    {
      imports = [ ${toString cfg.cloneConfigIncludes} ];

      ${cfg.cloneConfigExtra}
    }
  '';
in

{
  options.installer = {
    cloneConfig = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether {file}`/etc/nixos/configuration.nix` on the medium describes the medium.
      '';
    };
    cloneConfigIncludes = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "./nixos/modules/hardware/network/rt73.nix" ];
      description = "Modules that configuration imports.";
    };
    cloneConfigExtra = mkOption {
      type = types.lines;
      default = "";
      description = "Text added to that configuration.";
    };
  };

  config = {
    installer.cloneConfigIncludes = relocated;
    boot.postBootCommands = ''
      mkdir -p /mnt
      ${lib.optionalString cfg.cloneConfig ''
        mkdir -p /etc/nixos
        [ -e /etc/nixos/configuration.nix ] || cp ${clone} /etc/nixos/configuration.nix
      ''}
    '';
  };
}
