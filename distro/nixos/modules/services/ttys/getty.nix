# Logins on consoles: agetty on the virtual consoles and on serial lines.
#
# Debian's getty@.service and serial-getty@.service are kept; drop-ins give agetty our arguments.
# tty1 gets its login from getty.target, the others when somebody switches to them (logind starts
# autovt@), serial consoles from systemd-getty-generator, which follows console= of the kernel.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.services.getty;

  baseArguments =
    [ "--login-program" cfg.loginProgram ]
    ++ lib.optionals (cfg.autologinUser != null && !cfg.autologinOnce) [ "--autologin" cfg.autologinUser ]
    ++ lib.optionals (cfg.loginOptions != null) [ "--login-options" cfg.loginOptions ]
    ++ cfg.extraArgs;
  # systemd takes "%" and "\" of a command line for itself.
  escape = argument: lib.replaceStrings [ "%" "\\" ] [ "%%" "\\\\" ] (lib.escapeShellArg argument);
  agetty = arguments: "-/usr/sbin/agetty ${lib.concatMapStringsSep " " escape baseArguments} ${arguments}";

  # Automatic login only the first time, on the first console.
  onceScript = pkgs.writeScript "getty-autologin-once" ''
    #!/bin/sh
    mark=/run/agetty.autologged
    if [ "$1" = tty1 ] && [ ! -e "$mark" ]; then
      : >"$mark"
      exec /usr/sbin/agetty ${lib.escapeShellArgs baseArguments} --autologin ${lib.escapeShellArg (toString cfg.autologinUser)} --noreset --noclear --issue-file=/etc/issue:/etc/issue.d:/run/issue.d "$1" "$TERM"
    fi
    exec /usr/sbin/agetty ${lib.escapeShellArgs baseArguments} --noreset --noclear --issue-file=/etc/issue:/etc/issue.d:/run/issue.d "$1" "$TERM"
  '';
  issueFiles = "--issue-file=/etc/issue:/etc/issue.d:/run/issue.d";
in

{
  imports = [
    (lib.mkRenamedOptionModule [ "services" "mingetty" ] [ "services" "getty" ])
    (lib.mkRemovedOptionModule [ "services" "getty" "serialSpeed" ]
      "Give the speed with the console: boot.kernelParams = [ \"console=ttyS2,1500000\" ];")
  ];

  options.services.getty = {
    autologinUser = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "User who is logged in on every console without being asked; null for nobody.";
    };
    autologinOnce = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the automatic login happens once only, on the first console.";
    };
    loginProgram = mkOption {
      type = types.path;
      default = "/bin/login";
      description = "The login program.";
    };
    loginOptions = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "-h darkstar -- \\u";
      description = "Arguments of the login program, as a template of agetty(8).";
    };
    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "--nohostname" ];
      description = "Further arguments of agetty.";
    };
    greetingLine = mkOption {
      type = types.str;
      description = "First line above the login prompt.";
    };
    helpLine = mkOption {
      type = types.lines;
      default = "";
      description = "Text below the greeting.";
    };
  };

  config = {
    services.getty.greetingLine = lib.mkDefault
      "<<< Welcome to ${config.system.nixos.distroName or "Firn"} ${config.system.nixos.label or ""} (\\m) - \\l >>>";

    environment.systemPackages = [ pkgs.util-linux pkgs.login ];

    systemd.services."getty@" = {
      overrideStrategy = "asDropin";
      serviceConfig.ExecStart = [
        ""
        (if cfg.autologinOnce then "-${onceScript} %I" else agetty "${issueFiles} --noreset --noclear %I $TERM")
      ];
      restartIfChanged = false;
    };
    systemd.services."serial-getty@" = {
      overrideStrategy = "asDropin";
      serviceConfig.ExecStart = [ "" (agetty "${issueFiles} --noreset --noclear --keep-baud 115200,57600,38400,9600 %I $TERM") ];
      restartIfChanged = false;
    };
    systemd.services."container-getty@" = {
      overrideStrategy = "asDropin";
      serviceConfig.ExecStart = [ "" (agetty "${issueFiles} --noreset --noclear --keep-baud pts/%I 115200,38400,9600 $TERM") ];
      restartIfChanged = false;
    };
    systemd.services.console-getty = {
      overrideStrategy = "asDropin";
      serviceConfig.ExecStart = [ "" (agetty "${issueFiles} --noreset --noclear --keep-baud console 115200,38400,9600 $TERM") ];
      restartIfChanged = false;
      wantedBy = mkIf (config.boot.isContainer or false) [ "getty.target" ];
    };
    systemd.targets.getty.wants = mkIf config.console.enable [ "getty@tty1.service" ];

    environment.etc.issue.text = lib.mkDefault (
      "\n" + builtins.fromJSON ''"\u001b"'' + "[1;32m${cfg.greetingLine}" + builtins.fromJSON ''"\u001b"'' + "[0m\n${cfg.helpLine}\n");
  };
}
