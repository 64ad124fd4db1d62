# Programs that are their package and nothing else: programs.<name>.enable, with NixOS's names.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  table = {
    bcc = "bpfcc-tools";
    cpu-x = "cpu-x";
    fzf = "fzf";
    iftop = "iftop";
    iotop = "iotop";
    iperf3 = "iperf3";
    mosh = "mosh";
    screen = "screen";
    usbtop = "usbtop";
    zoxide = "zoxide";
  };
  enabled = lib.filterAttrs (name: _: config.programs.${name}.enable) table;
in

{
  options.programs = lib.mapAttrs (name: package: {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether Debian's package ${package} is installed.";
    };
  }) table // {
    neovim = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Whether Neovim is installed.";
      };
      defaultEditor = mkOption {
        type = types.bool;
        default = false;
        description = "Whether it is the default editor.";
      };
      viAlias = mkOption {
        type = types.bool;
        default = false;
        description = "Whether `vi` is Neovim.";
      };
      vimAlias = mkOption {
        type = types.bool;
        default = false;
        description = "Whether `vim` is Neovim.";
      };
    };
    fish = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the shell fish is installed and permitted as a login shell.";
      };
      shellInit = mkOption { type = types.lines; default = ""; description = "Commands run by every fish."; };
      loginShellInit = mkOption { type = types.lines; default = ""; description = "Commands run by login shells."; };
      interactiveShellInit = mkOption { type = types.lines; default = ""; description = "Commands run by interactive ones."; };
      promptInit = mkOption { type = types.lines; default = ""; description = "Commands that set the prompt."; };
      shellAliases = mkOption {
        type = types.attrsOf (types.nullOr types.str);
        default = { };
        description = "Short names of commands, besides those of environment.shellAliases.";
      };
      shellAbbrs = mkOption {
        type = types.attrsOf types.str;
        default = { };
        example = { gco = "git checkout"; };
        description = "Abbreviations, written out as one types.";
      };
    };
    direnv.enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether direnv sets the environment of directories in shells.";
    };
  };

  config = lib.mkMerge [
    { environment.systemPackages = map (name: pkgs.${name}) (builtins.attrValues enabled); }
    (lib.mkIf config.programs.mosh.enable {
      networking.firewall.allowedUDPPortRanges = [ { from = 60000; to = 61000; } ];
    })
    (lib.mkIf config.programs.neovim.enable {
      environment.systemPackages = [ pkgs.neovim ];
      environment.variables.EDITOR = lib.mkIf config.programs.neovim.defaultEditor (lib.mkOverride 900 "nvim");
      environment.systemTreeLinks = lib.optionalAttrs config.programs.neovim.viAlias { "usr/bin/vi" = "nvim"; }
        // lib.optionalAttrs config.programs.neovim.vimAlias { "usr/bin/vim" = "nvim"; };
    })
    (lib.mkIf config.programs.fish.enable {
      environment.systemPackages = [ pkgs.fish ];
      environment.shells = [ "/usr/bin/fish" "/run/current-system/sw/bin/fish" ];
      environment.etc."fish/conf.d/nixos.fish".text =
        let
          fish = config.programs.fish;
          aliases = lib.filterAttrs (_: text: text != null) (config.environment.shellAliases // fish.shellAliases);
          perName = word: set: lib.concatStrings (lib.mapAttrsToList (name: text:
            "${word} ${lib.escapeShellArg name} ${lib.escapeShellArg text}\n") set);
        in
        ''
          ${fish.shellInit}
          if status is-login
              ${fish.loginShellInit}
          end
          if status is-interactive
              ${perName "alias" aliases}
              ${perName "abbr --add --" fish.shellAbbrs}
              ${fish.promptInit}
              ${fish.interactiveShellInit}
          end
        '';
    })
    (lib.mkIf config.programs.direnv.enable {
      environment.systemPackages = [ pkgs.direnv ];
      programs.bash.interactiveShellInit = ''eval "$(direnv hook bash)"'';
      programs.zsh.interactiveShellInit = ''eval "$(direnv hook zsh)"'';
    })
  ];
}
