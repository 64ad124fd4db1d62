# GnuPG with its agent, started for a user when something asks for it.
{ config, lib, pkgs, ... }:

let
  cfg = config.programs.gnupg;
in

{
  options.programs.gnupg = {
    package = lib.mkPackageOption pkgs "gnupg" { };
    agent = {
      enable = lib.mkEnableOption "the agent of GnuPG, which keeps keys for the time of a session";
      enableSSHSupport = lib.mkEnableOption "the agent as the agent of SSH too";
      enableExtraSocket = lib.mkEnableOption "the socket that is handed on to other machines";
      enableBrowserSocket = lib.mkEnableOption "the socket for browsers";
      pinentryPackage = lib.mkOption {
        type = lib.types.nullOr lib.types.package;
        default = pkgs.pinentry-curses;
        defaultText = lib.literalExpression "pkgs.pinentry-curses";
        description = "The program that asks for passphrases; null for whichever there is.";
      };
    };
    dirmngr.enable = lib.mkEnableOption "the program that fetches keys and certificates";
  };

  config = lib.mkMerge [
    (lib.mkIf (cfg.agent.enable || cfg.dirmngr.enable) {
      environment.systemPackages = [ cfg.package ];
    })
    (lib.mkIf cfg.agent.enable {
      environment.systemPackages = [ pkgs.gpg-agent ]
        ++ lib.optional (cfg.agent.pinentryPackage != null) cfg.agent.pinentryPackage;
      systemd.user.installedUnits = [ "gpg-agent.socket" ]
        ++ lib.optional cfg.agent.enableSSHSupport "gpg-agent-ssh.socket"
        ++ lib.optional cfg.agent.enableExtraSocket "gpg-agent-extra.socket"
        ++ lib.optional cfg.agent.enableBrowserSocket "gpg-agent-browser.socket";
      # The agent learns from this which terminal to ask on.
      environment.interactiveShellInit = ''
        GPG_TTY=$(tty)
        export GPG_TTY
      '';
      environment.extraInit = lib.mkIf cfg.agent.enableSSHSupport ''
        if [ -z "$SSH_AUTH_SOCK" ]; then
          export SSH_AUTH_SOCK=$(gpgconf --list-dirs agent-ssh-socket)
        fi
      '';
      assertions = [
        {
          assertion = cfg.agent.enableSSHSupport -> !config.programs.ssh.startAgent;
          message = "programs.gnupg.agent.enableSSHSupport and programs.ssh.startAgent exclude each other.";
        }
      ];
    })
    (lib.mkIf cfg.dirmngr.enable {
      environment.systemPackages = [ pkgs.dirmngr ];
      systemd.user.installedUnits = [ "dirmngr.socket" ];
    })
  ];
}
