# htop.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.programs.htop;
  valueText = value:
    if value == true then "1" else if value == false then "0"
    else if builtins.isList value then lib.concatMapStringsSep " " toString value
    else toString value;
in

{
  options.programs.htop = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether htop is there.";
    };
    package = lib.mkPackageOption pkgs "htop" { };
    settings = mkOption {
      type = types.attrsOf (types.oneOf [ types.str types.int types.bool (types.listOf (types.either types.str types.int)) ]);
      default = { };
      example = { hide_kernel_threads = true; };
      description = "The system-wide htoprc.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc.htoprc.text = lib.concatStrings (lib.mapAttrsToList (name: value: "${name}=${valueText value}\n") cfg.settings);
  };
}
