# polkit: who may do what without being root.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.security.polkit;
in

{
  options.security.polkit = {
    enable = lib.mkEnableOption "polkit";
    package = lib.mkPackageOption pkgs "polkitd" { };
    debug = lib.mkEnableOption "messages about every decision";
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      example = ''
        polkit.addRule(function(action, subject) {
          if (subject.isInGroup("wheel")) { return polkit.Result.YES; }
        });
      '';
      description = "Rules, in JavaScript, asked before the packages' own.";
    };
    adminIdentities = mkOption {
      type = types.listOf types.str;
      default = [ "unix-group:wheel" ];
      example = [ "unix-user:alice" "unix-group:admin" ];
      description = "Who counts as an administrator.";
    };
  };

  config = mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];

    # The package's unit is started through the bus; only its verbosity is ours.
    systemd.services.polkit = mkIf cfg.debug {
      overrideStrategy = "asDropin";
      serviceConfig.ExecStart = [ "" "/usr/lib/polkit-1/polkitd --log-level=debug" ];
    };

    environment.etc."polkit-1/rules.d/10-nixos.rules" = {
      text = ''
        polkit.addAdminRule(function(action, subject) {
          return [${lib.concatMapStringsSep ", " (identity: ''"${identity}"'') cfg.adminIdentities}];
        });

        ${cfg.extraConfig}
      '';
    };

    security.pam.services.polkit-1 = { };
    security.wrappers.polkit-agent-helper-1 = {
      source = "${cfg.package}/usr/lib/polkit-1/polkit-agent-helper-1";
      owner = "root";
      group = "root";
      setuid = true;
      permissions = "u+rx,g+rx,o+rx";
      links = [ "usr/lib/polkit-1/polkit-agent-helper-1" ];
    };
  };
}
