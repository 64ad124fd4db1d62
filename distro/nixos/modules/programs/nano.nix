# nano, the default editor.
{ config, lib, pkgs, ... }:

let
  cfg = config.programs.nano;
in

{
  options.programs.nano = {
    enable = lib.mkEnableOption "nano, a small editor" // { default = true; };
    package = lib.mkPackageOption pkgs "nano" { };
    nanorc = lib.mkOption {
      type = lib.types.lines;
      default = "";
      example = ''
        set autoindent
        set tabsize 2
      '';
      description = "The system-wide nanorc(5).";
    };
    syntaxHighlight = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether files are coloured by their syntax.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc.nanorc.text =
      (lib.optionalString cfg.syntaxHighlight ''
        # Colours for the kinds of files that nano knows.
        include "/usr/share/nano/*.nanorc"
      '') + cfg.nanorc;
  };
}
