# tmux.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.programs.tmux;
in

{
  options.programs.tmux = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether tmux is there and configured.";
    };
    package = lib.mkPackageOption pkgs "tmux" { };
    shortcut = mkOption {
      type = types.str;
      default = "b";
      description = "Key that, with Ctrl, begins a command.";
    };
    baseIndex = mkOption {
      type = types.int;
      default = 0;
      description = "Number of the first window.";
    };
    clock24 = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the clock counts to 24.";
    };
    escapeTime = mkOption {
      type = types.int;
      default = 500;
      description = "Milliseconds that tmux waits after an escape.";
    };
    historyLimit = mkOption {
      type = types.int;
      default = 2000;
      description = "Lines of history.";
    };
    keyMode = mkOption {
      type = types.enum [ "emacs" "vi" ];
      default = "emacs";
      description = "Style of keys.";
    };
    terminal = mkOption {
      type = types.str;
      default = "screen";
      description = "Value of TERM inside.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Text added to {file}`tmux.conf`.";
    };
  };
  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    environment.etc."tmux.conf".text = ''
      set -g default-terminal "${cfg.terminal}"
      set -g base-index ${toString cfg.baseIndex}
      setw -g pane-base-index ${toString cfg.baseIndex}
      set -g history-limit ${toString cfg.historyLimit}
      set -s escape-time ${toString cfg.escapeTime}
      set -g status-keys ${cfg.keyMode}
      set -g mode-keys ${cfg.keyMode}
      setw -g clock-mode-style ${if cfg.clock24 then "24" else "12"}
      ${lib.optionalString (cfg.shortcut != "b") ''
        unbind C-b
        set -g prefix C-${cfg.shortcut}
        bind ${cfg.shortcut} send-prefix
        bind C-${cfg.shortcut} last-window
      ''}
      ${cfg.extraConfig}
    '';
  };
}
