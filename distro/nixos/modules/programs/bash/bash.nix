# bash, and the files of Bourne shells in general: /etc/profile and /etc/bash.bashrc.
#
# Debian's bash reads /etc/bash.bashrc for interactive shells; /etc/bashrc, NixOS's name, is the
# same file. /etc/profile is also read by dash.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.programs.bash;
  environment = config.environment;

  aliases = lib.concatStringsSep "\n" (lib.mapAttrsToList
    (name: value: "alias -- ${name}=${lib.escapeShellArg (toString value)}")
    (lib.filterAttrs (_: value: value != null) cfg.shellAliases));

  lines = description: default: mkOption { type = types.lines; inherit default description; };
in

{
  imports = [
    (lib.mkRemovedOptionModule [ "programs" "bash" "enable" ] "bash is always there")
    (lib.mkRenamedOptionModule [ "programs" "bash" "enableCompletion" ] [ "programs" "bash" "completion" "enable" ])
  ];

  options.programs.bash = {
    shellAliases = mkOption {
      type = types.attrsOf (types.nullOr (types.either types.str types.path));
      default = { };
      description = "Aliases in bash; null takes one away.";
    };
    shellInit = lines "Code that every bash runs." "";
    loginShellInit = lines "Code that a login bash runs." "";
    interactiveShellInit = lines "Code that an interactive bash runs." "";
    logout = lines "Code that a login bash runs at its end." "";
    promptInit = lines "Code that sets the prompt." ''
      # A prompt with some colour if the terminal has any.
      if [ "$TERM" != dumb ] || [ -n "$INSIDE_EMACS" ]; then
        prompt_colour='1;31m'
        [ "$(id -u)" -eq 0 ] || prompt_colour='1;32m'
        PS1="\n\[\033[$prompt_colour\][\u@\h:\w]\\$\[\033[0m\] "
        unset prompt_colour
      fi
    '';
    promptPluginInit = lines "Code of prompt plugins." "";
    completion.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether commands' arguments are completed.";
    };
    completion.package = lib.mkPackageOption pkgs "bash-completion" { };
    lsColorsFile = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "File of dircolors(1) for `ls`; null for its built-in colours.";
    };
    enableLsColors = mkOption {
      type = types.bool;
      default = true;
      description = "Whether `ls` colours its output.";
    };
    vteIntegration = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility.";
    };
  };

  config = {
    programs.bash = {
      shellAliases = lib.mapAttrs (_: lib.mkDefault) environment.shellAliases;

      shellInit = ''
        if [ -z "$__NIXOS_SET_ENVIRONMENT_DONE" ]; then
          . ${config.system.build.setEnvironment}
        fi
        ${environment.shellInit}
      '';
      loginShellInit = environment.loginShellInit;
      interactiveShellInit = lib.mkMerge [
        ''
          # The window may change its size while a program runs.
          shopt -s checkwinsize
        ''
        environment.interactiveShellInit
      ];
      promptPluginInit = lib.mkMerge [
        (mkIf cfg.enableLsColors ''
          if command -v dircolors >/dev/null; then
            eval "$(dircolors -b${lib.optionalString (cfg.lsColorsFile != null) " ${lib.escapeShellArg cfg.lsColorsFile}"})"
          fi
        '')
        (mkIf cfg.completion.enable ''
          if [ -n "$BASH_VERSION" ] && shopt -q progcomp && [ -r /usr/share/bash-completion/bash_completion ]; then
            . /usr/share/bash-completion/bash_completion
          fi
        '')
      ];
    };

    environment.etc = {
      profile.text = ''
        # Read by login shells; made from the configuration. Local additions: /etc/profile.local.
        if [ -n "$__ETC_PROFILE_SOURCED" ]; then return; fi
        __ETC_PROFILE_SOURCED=1
        # A shell started by a login shell need not read this again.
        export __ETC_PROFILE_DONE=1

        ${cfg.shellInit}
        ${cfg.loginShellInit}

        for script in /etc/profile.d/*.sh; do
          if [ -r "$script" ]; then . "$script"; fi
        done
        unset script

        if [ -f /etc/profile.local ]; then . /etc/profile.local; fi

        if [ -n "''${BASH_VERSION:-}" ] && [ -n "''${PS1:-}" ]; then
          . /etc/bash.bashrc
        fi
      '';

      "bash.bashrc".text = ''
        # Read by interactive bashes; made from the configuration. Local additions: /etc/bashrc.local.
        if [ -n "$__ETC_BASHRC_SOURCED" ] || [ -n "$NOSYSBASHRC" ]; then return; fi
        __ETC_BASHRC_SOURCED=1

        if [ -z "$__ETC_PROFILE_DONE" ]; then
          . /etc/profile
        fi

        if [ -n "$PS1" ]; then
          ${cfg.promptInit}
          ${cfg.promptPluginInit}
          ${cfg.interactiveShellInit}
        fi
        ${aliases}

        if [ -f /etc/bashrc.local ]; then . /etc/bashrc.local; fi
      '';
      bashrc.source = config.environment.etc."bash.bashrc".source;

      # The location that upstream's bash is compiled for.
      "bash.bash_logout".text = ''
        ${cfg.logout}
        if [ -f /etc/bash_logout.local ]; then . /etc/bash_logout.local; fi
      '';
    };

    environment.shells = [ "/bin/bash" "/usr/bin/bash" "/run/current-system/sw/bin/bash" ];
    environment.systemPackages = [ pkgs.bash ] ++ lib.optional cfg.completion.enable cfg.completion.package;
  };
}
