# sudo: members of wheel may act as root.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.security.sudo;

  commandType = types.either types.str (types.submodule {
    options = {
      command = mkOption {
        type = types.str;
        description = "Path of a command, or ALL.";
      };
      options = mkOption {
        type = types.listOf (types.enum [
          "NOPASSWD" "PASSWD" "NOEXEC" "EXEC" "SETENV" "NOSETENV" "LOG_INPUT" "NOLOG_INPUT"
          "LOG_OUTPUT" "NOLOG_OUTPUT" "MAIL" "NOMAIL" "FOLLOW" "NOFLLOW" "INTERCEPT" "NOINTERCEPT"
        ]);
        default = [ ];
        description = "Tags of the command.";
      };
    };
  });

  tags = options: lib.concatMapStrings (option: "${option}:") options;
  commandText = command:
    if builtins.isString command then command
    else "${tags command.options}${lib.optionalString (command.options != [ ]) " "}${command.command}";
  commandsText = commands: lib.concatMapStringsSep ", " commandText commands;

  # Numbers are written #1000, groups %wheel or %#1000.
  userSubject = user: if builtins.isInt user then "#${toString user}" else user;
  groupSubject = group: if builtins.isInt group then "%#${toString group}" else "%${group}";
  ruleText = rule: lib.concatMapStringsSep "\n"
    (subject: "${subject} ${rule.host} = (${rule.runAs}) ${commandsText rule.commands}")
    (map userSubject rule.users ++ map groupSubject rule.groups);
in

{
  options.security.sudo = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether `sudo` is available to users.";
    };
    package = lib.mkPackageOption pkgs "sudo" { };
    wheelNeedsPassword = mkOption {
      type = types.bool;
      default = true;
      description = "Whether members of the group `wheel` must give their password.";
    };
    execWheelOnly = mkOption {
      type = types.bool;
      default = false;
      description = "Only members of `wheel` may execute sudo at all.";
    };
    defaultOptions = mkOption {
      type = types.listOf types.str;
      default = [ "SETENV" ];
      description = "Tags of the default rules for root and wheel.";
    };
    configFile = mkOption {
      type = types.lines;
      description = "The whole of {file}`/etc/sudoers`; normally made from the other options.";
    };
    extraRules = mkOption {
      default = [ ];
      description = "Rules, in order; the last that matches counts.";
      example = lib.literalExpression ''
        [ { groups = [ "backup" ]; commands = [ { command = "/usr/bin/rsync"; options = [ "NOPASSWD" ]; } ]; } ]
      '';
      type = types.listOf (types.submodule {
        options = {
          users = mkOption {
            type = types.listOf (types.either types.str types.int);
            default = [ ];
            description = "Users (names or numbers) the rule is for.";
          };
          groups = mkOption {
            type = types.listOf (types.either types.str types.int);
            default = [ ];
            description = "Groups (names or numbers) the rule is for.";
          };
          host = mkOption {
            type = types.str;
            default = "ALL";
            description = "Host the rule is for.";
          };
          runAs = mkOption {
            type = types.str;
            default = "ALL:ALL";
            description = "Whom the commands may be run as.";
          };
          commands = mkOption {
            type = types.listOf commandType;
            description = "Commands the rule allows.";
          };
        };
      });
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Lines added to {file}`/etc/sudoers`.";
    };
    keepTerminfo = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the terminal description variables survive sudo.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.execWheelOnly -> lib.all
          (rule: rule.users == [ "root" ] || rule.users == [ ] && rule.groups == [ "wheel" ])
          cfg.extraRules;
        message = "security.sudo.extraRules names others than root and wheel, but security.sudo.execWheelOnly keeps them out.";
      }
    ];

    security.sudo.extraRules =
      let
        everything = options: [ { command = "ALL"; inherit options; } ];
      in
      lib.mkBefore [
        { users = [ "root" ]; commands = everything cfg.defaultOptions; }
        {
          groups = [ "wheel" ];
          commands = everything (cfg.defaultOptions ++ lib.optional (!cfg.wheelNeedsPassword) "NOPASSWD");
        }
      ];

    security.sudo.extraConfig = lib.mkMerge [
      (mkIf cfg.keepTerminfo ''
        Defaults:root,%wheel env_keep+=TERMINFO_DIRS
        Defaults:root,%wheel env_keep+=TERMINFO
      '')
    ];

    security.sudo.configFile = lib.mkMerge [
      (lib.mkBefore ''
        # Made from the configuration's security.sudo options; changes here are lost.
        Defaults env_reset
        Defaults mail_badpass
        Defaults secure_path="${config.security.wrapperDir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin:/run/current-system/sw/sbin"
        Defaults use_pty
      '')
      (lib.concatMapStringsSep "\n" ruleText (lib.filter (rule: rule.commands != [ ]) cfg.extraRules))
      cfg.extraConfig
      (lib.mkAfter ''
        @includedir /etc/sudoers.d
      '')
    ];

    environment.systemPackages = [ cfg.package ];
    environment.etc.sudoers = {
      source = pkgs.writeText "sudoers" cfg.configFile;
      mode = "0440";
    };
    environment.etc."sudoers.d/README" = lib.mkDefault {
      text = ''
        # Files here whose names have no dot and do not end in ~ are read by sudo, if mode 0440.
      '';
      mode = "0440";
    };

    security.wrappers.sudo = {
      source = "${cfg.package}/usr/bin/sudo";
      owner = "root";
      group = if cfg.execWheelOnly then "wheel" else "root";
      setuid = true;
      permissions = if cfg.execWheelOnly then "u+rx,g+x" else "u+rx,g+rx,o+rx";
      links = [ "usr/bin/sudo" ];
    };
    security.wrappers.sudoedit = {
      inherit (config.security.wrappers.sudo) source owner group setuid permissions;
      links = [ "usr/bin/sudoedit" ];
    };

    # sudo.service of the package only clears time stamps; tmpfiles does that here (D /run/sudo).
    security.pam.services.sudo = { sshAgentAuth = true; usshAuth = true; };
    security.pam.services.sudo-i = { interactiveSession = true; };
  };
}
