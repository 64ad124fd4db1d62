# The second stage of booting: the program `init` of the system, which activates the system and
# starts systemd.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types literalExpression escapeShellArg;
  cfg = config.boot;

  settings = pkgs.writeText "stage-2-settings" ''
    greeting=${escapeShellArg cfg.stage2Greeting}
    storeOptions=(${lib.concatMapStringsSep " " escapeShellArg cfg.nixStoreMountOpts})
    systemdExecutable=${escapeShellArg cfg.systemdExecutable}
  '';

  # The commands run in a process of their own: an `exit` or a changed setting in them must not
  # keep systemd from being started.
  postBootCommands =
    lib.optionalString (lib.trim cfg.postBootCommands != "")
      "/bin/bash ${pkgs.writeText "post-boot-commands" cfg.postBootCommands}";
in
{
  imports = [
    (lib.mkRemovedOptionModule [ "boot" "readOnlyNixStore" ] ''
      Use boot.nixStoreMountOpts: the store is read-only if the list has "ro" in it.
    '')
  ];

  options.boot = {
    postBootCommands = mkOption {
      type = types.lines;
      default = "";
      example = "rm -f /var/log/messages";
      description = "Shell commands to run just before systemd is started.";
    };

    nixStoreMountOpts = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ "ro" "nodev" "nosuid" ];
      description = ''
        Mount options of {file}`/nix/store`. `ro` protects it from changes; programs that manage
        the store open it for themselves only.
      '';
    };

    systemdExecutable = mkOption {
      type = types.str;
      default = "/run/current-system/systemd/lib/systemd/systemd";
      description = "The program that becomes process 1.";
    };

    stage2Greeting = mkOption {
      type = types.str;
      default = "<<< ${config.system.nixos.distroName} Stage 2 >>>";
      defaultText = literalExpression ''"<<< ''${config.system.nixos.distroName} Stage 2 >>>"'';
      description = "The line printed when the second stage of booting begins.";
    };

    extraSystemdUnitPaths = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Further folders for units, appended to SYSTEMD_UNIT_PATH.";
    };
  };

  config.system.build.bootStage2 = pkgs.writeTextFile {
    name = "stage-2-init";
    executable = true;
    text = builtins.replaceStrings
      [ "@settings@" "@specialMounts@" "@postBootCommands@" ]
      [ "${settings}" "${config.system.build.specialMounts}" postBootCommands ]
      (builtins.readFile ./stage-2-init.sh);
  };
}
