# vim.
{ config, lib, pkgs, ... }:

let
  cfg = config.programs.vim;
in

{
  options.programs.vim = {
    enable = lib.mkEnableOption "vim, an editor" // {
      default = cfg.defaultEditor;
      defaultText = lib.literalExpression "config.programs.vim.defaultEditor";
    };
    defaultEditor = lib.mkEnableOption "vim as the default editor";
    package = lib.mkPackageOption pkgs "vim" { };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.variables = lib.mkIf cfg.defaultEditor { EDITOR = lib.mkOverride 900 "vim"; };
  };
}
