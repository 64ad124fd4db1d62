# zsh, with the environment that all shells have.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.programs.zsh;
  environment = config.environment;
  lines = description: mkOption { type = types.lines; default = ""; inherit description; };
  aliases = lib.concatStringsSep "\n" (lib.mapAttrsToList
    (name: value: "alias -- ${name}=${lib.escapeShellArg (toString value)}")
    (lib.filterAttrs (_: value: value != null) cfg.shellAliases));
in

{
  options.programs.zsh = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether zsh is there and configured.";
    };
    shellAliases = mkOption {
      type = types.attrsOf (types.nullOr (types.either types.str types.path));
      default = { };
      description = "Aliases in zsh; null takes one away.";
    };
    shellInit = lines "Code that every zsh runs.";
    loginShellInit = lines "Code that a login zsh runs.";
    interactiveShellInit = lines "Code that an interactive zsh runs.";
    promptInit = mkOption {
      type = types.lines;
      default = "autoload -U promptinit && promptinit && prompt suse && setopt prompt_sp\n";
      description = "Code that sets the prompt.";
    };
    histSize = mkOption { type = types.int; default = 2000; description = "Lines of history."; };
    histFile = mkOption {
      type = types.str;
      default = "$HOME/.zsh_history";
      description = "File of the history.";
    };
    setOptions = mkOption {
      type = types.listOf types.str;
      default = [ "HIST_IGNORE_DUPS" "SHARE_HISTORY" "HIST_FCNTL_LOCK" ];
      description = "Options that are set.";
    };
    enableCompletion = mkOption {
      type = types.bool;
      default = true;
      description = "Whether arguments of commands are completed.";
    };
    enableBashCompletion = mkOption {
      type = types.bool;
      default = false;
      description = "Whether bash's completions are used too.";
    };
    enableGlobalCompInit = mkOption {
      type = types.bool;
      default = cfg.enableCompletion;
      defaultText = lib.literalExpression "enableCompletion";
      description = "Whether completion is set up for all users.";
    };
    autosuggestions.enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether commands are suggested while typing.";
    };
    syntaxHighlighting.enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether commands are coloured while typing.";
    };
  };

  config = mkIf cfg.enable {
    programs.zsh.shellAliases = lib.mapAttrs (_: lib.mkDefault) environment.shellAliases;
    environment.systemPackages = [ pkgs.zsh pkgs.zsh-common ]
      ++ lib.optional cfg.autosuggestions.enable pkgs.zsh-autosuggestions
      ++ lib.optional cfg.syntaxHighlighting.enable pkgs.zsh-syntax-highlighting;
    environment.shells = [ "/bin/zsh" "/usr/bin/zsh" "/run/current-system/sw/bin/zsh" ];

    # Debian's zsh reads its files in /etc/zsh.
    environment.etc = {
      "zsh/zshenv".text = ''
        # Made from the configuration. Local additions: /etc/zshenv.local.
        if [ -n "''${__ETC_ZSHENV_SOURCED-}" ]; then return; fi
        __ETC_ZSHENV_SOURCED=1
        if [ -z "''${__NIXOS_SET_ENVIRONMENT_DONE-}" ]; then . ${config.system.build.setEnvironment}; fi
        HISTSIZE=${toString cfg.histSize}
        SAVEHIST=${toString cfg.histSize}
        HISTFILE=${cfg.histFile}
        ${environment.shellInit}
        ${cfg.shellInit}
        if [ -f /etc/zshenv.local ]; then . /etc/zshenv.local; fi
      '';
      "zsh/zprofile".text = ''
        ${environment.loginShellInit}
        ${cfg.loginShellInit}
        if [ -f /etc/zprofile.local ]; then . /etc/zprofile.local; fi
      '';
      "zsh/zshrc".text = ''
        ${lib.optionalString (cfg.setOptions != [ ]) "setopt ${lib.concatStringsSep " " cfg.setOptions}"}
        ${lib.optionalString cfg.enableGlobalCompInit "autoload -U compinit && compinit"}
        ${lib.optionalString cfg.enableBashCompletion "autoload -U bashcompinit && bashcompinit"}
        ${lib.optionalString cfg.autosuggestions.enable ". /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh"}
        ${environment.interactiveShellInit}
        ${cfg.interactiveShellInit}
        ${aliases}
        ${cfg.promptInit}
        ${lib.optionalString cfg.syntaxHighlighting.enable ". /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh"}
        if [ -f /etc/zshrc.local ]; then . /etc/zshrc.local; fi
      '';
    };
  };
}
