# PAM: one stack per service, made of named, ordered rules.
#
# A service's text comes from its rules; each rule can be disabled, changed or reordered by name.
# The defaults give what pam-auth-update and the packages' own files give on a Debian system, with
# two differences taken from NixOS: only services with allowNullPassword accept an empty password,
# and the session's variables come from environment.sessionVariables. /etc/pam.d/common-* exist as
# well, for files that Debian packages ship themselves.
#
# In a stack of Debian's kind the primary module jumps over "deny" when it succeeds: `control` says
# how many rules to skip, so nothing may be ordered between `unix` and `deny`.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf mkDefault types;
  cfg = config.security.pam;

  ruleModule = kind: { name, config, ... }: {
    options = {
      name = mkOption {
        type = types.str;
        default = name;
        description = "Name of the rule.";
      };
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the rule is in the stack.";
      };
      order = mkOption {
        type = types.int;
        description = "Place in the stack: smaller numbers come first.";
      };
      control = mkOption {
        type = types.str;
        description = "What the module's answer means (pam.conf(5)).";
      };
      modulePath = mkOption {
        type = types.str;
        description = "The module: a file name below the modules' directory, or a path.";
      };
      args = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Arguments of the module, before those of `settings`.";
      };
      settings = mkOption {
        type = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.str types.int types.path ]));
        default = { };
        description = ''
          Arguments as name and value; true gives the bare name, false and null nothing.
        '';
      };
    };
  };

  quote = argument:
    if lib.hasInfix " " argument && !(lib.hasPrefix "[" argument) then "[${lib.replaceStrings [ "]" ] [ "\\]" ] argument}]"
    else argument;
  settingArguments = settings: lib.concatLists (lib.mapAttrsToList (name: value:
    if value == true then [ name ]
    else if value == false || value == null then [ ]
    else [ "${name}=${toString value}" ]) settings);

  ruleText = kind: rule:
    lib.concatStringsSep " "
      ([ kind rule.control rule.modulePath ] ++ map quote (rule.args ++ settingArguments rule.settings));
  stackText = kind: rules:
    lib.concatMapStrings (rule: ruleText kind rule + "\n")
      (lib.sort (a: b: a.order < b.order || a.order == b.order && a.name < b.name)
        (lib.filter (rule: rule.enable) (builtins.attrValues rules)));
  serviceText = rules:
    lib.concatStringsSep "\n" (lib.filter (text: text != "")
      (map (kind: stackText kind rules.${kind}) [ "account" "auth" "password" "session" ]));

  # [ { name; control; modulePath; … } … ] → rules with ascending order: 10000, 10100, …
  ordered = rules: lib.listToAttrs (lib.imap0 (index: rule: {
    inherit (rule) name;
    value = lib.mapAttrs (_: mkDefault)
      ({ order = 10000 + 100 * index; } // builtins.removeAttrs rule [ "name" "settings" ])
      // { settings = lib.mapAttrs (_: mkDefault) (rule.settings or { }); };
  }) rules);

  limitsFile = limits: pkgs.writeText "limits.conf" (lib.concatMapStrings
    (limit: "${limit.domain} ${limit.type} ${limit.item} ${toString limit.value}\n") limits);

  limitsType = types.listOf (types.submodule {
    options = {
      domain = mkOption {
        type = types.str;
        description = "User, @group, or wildcard.";
        example = "@wheel";
      };
      type = mkOption {
        type = types.enum [ "-" "hard" "soft" ];
        default = "-";
        description = "Hard or soft limit, or both.";
      };
      item = mkOption {
        type = types.enum [
          "core" "data" "fsize" "memlock" "nofile" "rss" "stack" "cpu" "nproc" "as" "maxlogins"
          "maxsyslogins" "priority" "locks" "sigpending" "msgqueue" "nice" "rtprio"
        ];
        description = "What is limited.";
      };
      value = mkOption { type = types.oneOf [ types.str types.int ]; description = "The limit."; };
    };
  });

  serviceOption = name: default: description: mkOption {
    type = types.bool;
    inherit default description;
  };

  defaultRules = service: {
    account = ordered [
      { name = "access"; enable = service.accessControl; control = "required"; modulePath = "pam_access.so"; }
      { name = "nologin"; enable = service.nologin; control = "required"; modulePath = "pam_nologin.so"; }
      { name = "unix"; control = "[success=1 new_authtok_reqd=done default=ignore]"; modulePath = "pam_unix.so"; }
      { name = "deny"; control = "requisite"; modulePath = "pam_deny.so"; }
      { name = "permit"; control = "required"; modulePath = "pam_permit.so"; }
    ];
    auth = ordered [
      { name = "rootok"; enable = service.rootOK; control = "sufficient"; modulePath = "pam_rootok.so"; }
      { name = "wheel"; enable = service.requireWheel; control = "required"; modulePath = "pam_wheel.so"; settings.use_uid = true; }
      { name = "faildelay"; enable = service.failDelay.enable; control = "optional"; modulePath = "pam_faildelay.so"; settings.delay = service.failDelay.delay; }
      {
        name = "unix";
        enable = service.unixAuth;
        control = "[success=1 default=ignore]";
        modulePath = "pam_unix.so";
        settings = {
          nullok = service.allowNullPassword;
          nodelay = service.nodelay;
          try_first_pass = true;
        };
      }
      { name = "deny"; control = "requisite"; modulePath = "pam_deny.so"; }
      { name = "permit"; control = "required"; modulePath = "pam_permit.so"; }
    ];
    password = ordered [
      {
        name = "unix";
        control = "[success=1 default=ignore]";
        modulePath = "pam_unix.so";
        settings = { obscure = true; yescrypt = true; nullok = true; };
      }
      { name = "deny"; control = "requisite"; modulePath = "pam_deny.so"; }
      { name = "permit"; control = "required"; modulePath = "pam_permit.so"; }
    ];
    session = ordered [
      {
        name = "env";
        enable = service.setEnvironment;
        control = "required";
        modulePath = "pam_env.so";
        settings = { conffile = "/etc/pam/environment"; readenv = 0; };
      }
      { name = "keyinit"; enable = service.keyring; control = "optional"; modulePath = "pam_keyinit.so"; args = [ "force" "revoke" ]; }
      { name = "unix"; control = "required"; modulePath = "pam_unix.so"; }
      { name = "loginuid"; enable = service.setLoginUid; control = "optional"; modulePath = "pam_loginuid.so"; }
      {
        name = "tty_audit";
        enable = service.ttyAudit.enable;
        control = "required";
        modulePath = "pam_tty_audit.so";
        settings = {
          open_only = service.ttyAudit.openOnly;
          enable = service.ttyAudit.enablePattern;
          disable = service.ttyAudit.disablePattern;
        };
      }
      { name = "umask"; control = "optional"; modulePath = "pam_umask.so"; }
      {
        name = "mkhomedir";
        enable = service.makeHomeDir;
        control = "required";
        modulePath = "pam_mkhomedir.so";
        settings = {
          silent = true;
          skel = cfg.makeHomeDir.skelDirectory;
          umask = cfg.makeHomeDir.umask;
        };
      }
      { name = "limits"; control = "required"; modulePath = "pam_limits.so"; settings = lib.optionalAttrs (service.limits != [ ]) { conf = "${limitsFile service.limits}"; }; }
      { name = "systemd"; enable = service.startSession; control = "optional"; modulePath = "pam_systemd.so"; }
      { name = "xauth"; enable = service.forwardXAuth; control = "optional"; modulePath = "pam_xauth.so"; }
      { name = "motd"; enable = service.showMotd && motdIsSet; control = "optional"; modulePath = "pam_motd.so"; settings.motd = "/etc/motd"; }
    ];
  };

  serviceModule = { name, config, ... }: {
    options = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether {file}`/etc/pam.d/<name>` is made.";
      };
      name = mkOption {
        type = types.str;
        default = name;
        description = "Name of the service.";
      };
      useDefaultRules = serviceOption name true "Whether the default rules are there.";
      unixAuth = serviceOption name true "Whether users are known by the password in {file}`/etc/shadow`.";
      rootOK = serviceOption name false "Whether root needs no authentication.";
      allowNullPassword = serviceOption name false "Whether an account with an empty password is let in.";
      nodelay = serviceOption name false "Whether the delay after a failure is left out.";
      requireWheel = serviceOption name false "Whether only members of `wheel` are let in.";
      startSession = serviceOption name false "Whether the session is registered with systemd-logind.";
      setEnvironment = serviceOption name true "Whether {option}`environment.sessionVariables` are set.";
      setLoginUid = mkOption {
        type = types.bool;
        default = config.startSession;
        defaultText = lib.literalExpression "startSession";
        description = "Whether the audit login number is set.";
      };
      keyring = serviceOption name false "Whether the session gets a kernel keyring of its own.";
      nologin = serviceOption name false "Whether ordinary users are kept out while {file}`/etc/nologin` exists.";
      accessControl = serviceOption name false "Whether {file}`/etc/security/access.conf` is asked.";
      interactiveSession = serviceOption name true "Whether the session is interactive.";
      forwardXAuth = serviceOption name false "Whether X authentication is forwarded.";
      makeHomeDir = serviceOption name false "Whether a missing home is created at login.";
      showMotd = serviceOption name false "Whether the message of the day is shown.";
      updateWtmp = serviceOption name false "Whether logins are recorded in wtmp (done by systemd and login themselves).";
      logFailures = serviceOption name false "Whether failed logins are logged (pam_unix always does).";
      enableAppArmor = serviceOption name false "Accepted for compatibility.";
      sshAgentAuth = serviceOption name false "Accepted for compatibility.";
      usshAuth = serviceOption name false "Accepted for compatibility.";
      failDelay = {
        enable = serviceOption name false "Whether a failed login is answered after a delay.";
        delay = mkOption {
          type = types.int;
          default = 3000000;
          description = "The delay in microseconds.";
        };
      };
      ttyAudit = {
        enable = serviceOption name false "Whether terminal input is audited.";
        enablePattern = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Users whose input is audited.";
        };
        disablePattern = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Users whose input is not audited.";
        };
        openOnly = serviceOption name false "Whether the flag is not restored at the session's end.";
      };
      limits = mkOption {
        type = limitsType;
        default = cfg.loginLimits;
        defaultText = lib.literalExpression "config.security.pam.loginLimits";
        description = "Resource limits of the service's sessions.";
      };
      rules = lib.genAttrs [ "account" "auth" "password" "session" ] (kind: mkOption {
        type = types.attrsOf (types.submodule (ruleModule kind));
        default = { };
        description = "Rules of the ${kind} stack, by name.";
      });
      text = mkOption {
        type = types.nullOr types.lines;
        description = "The whole of the service's file; normally made from the rules.";
      };
    };
    config = {
      rules = mkIf config.useDefaultRules (defaultRules config);
      text = mkDefault (serviceText config.rules);
    };
  };

  motdIsSet = users.motd != "" || users.motdFile != null;
  users = config.users;

  # What pam-auth-update writes for the unix and systemd profiles.
  commonFiles = {
    common-account = ''
      account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
      account requisite pam_deny.so
      account required pam_permit.so
    '';
    common-auth = ''
      auth [success=1 default=ignore] pam_unix.so nullok
      auth requisite pam_deny.so
      auth required pam_permit.so
    '';
    common-password = ''
      password [success=1 default=ignore] pam_unix.so obscure yescrypt
      password requisite pam_deny.so
      password required pam_permit.so
    '';
    common-session-noninteractive = ''
      session [default=1] pam_permit.so
      session requisite pam_deny.so
      session required pam_permit.so
      session required pam_unix.so
    '';
    common-session = ''
      session [default=1] pam_permit.so
      session requisite pam_deny.so
      session required pam_permit.so
      session required pam_unix.so
      session optional pam_systemd.so
    '';
  };
in

{
  imports = [
    (lib.mkRenamedOptionModule [ "security" "pam" "enableSSHAgentAuth" ] [ "security" "pam" "sshAgentAuth" "enable" ])
  ];

  options = {
    security.pam = {
      services = mkOption {
        type = types.attrsOf (types.submodule serviceModule);
        default = { };
        description = "PAM services, by name.";
      };
      loginLimits = mkOption {
        type = limitsType;
        default = [ ];
        example = [ { domain = "@users"; type = "hard"; item = "nofile"; value = 65536; } ];
        description = "Resource limits of sessions, as in limits.conf(5).";
      };
      makeHomeDir = {
        skelDirectory = mkOption {
          type = types.str;
          default = "/etc/skel";
          description = "What a new home is copied from.";
        };
        umask = mkOption {
          type = types.str;
          default = "0077";
          description = "File mode mask of a new home.";
        };
      };
      sshAgentAuth.enable = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Accepted for compatibility; Debian's sudo takes no agent keys without
          libpam-ssh-agent-auth.
        '';
      };
    };
    users.motd = mkOption {
      type = types.lines;
      default = "";
      example = "Today is Sweetmorn, the 4th day of The Aftermath in the YOLD 3178.";
      description = "Message shown after login.";
    };
    users.motdFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "File whose text is shown after login.";
    };
  };

  config = {
    assertions = [
      {
        assertion = users.motd == "" || users.motdFile == null;
        message = "Only one of users.motd and users.motdFile can be set.";
      }
    ];

    environment.systemPackages = [
      pkgs.libpam-runtime pkgs.libpam-modules pkgs.libpam-modules-bin pkgs.libpam-systemd
    ];

    environment.etc =
      lib.mapAttrs' (_: service: lib.nameValuePair "pam.d/${service.name}" { text = service.text; })
        (lib.filterAttrs (_: service: service.enable) cfg.services)
      // lib.mapAttrs' (name: text: lib.nameValuePair "pam.d/${name}" { text = mkDefault text; }) commonFiles
      // {
        motd = mkIf motdIsSet (
          if users.motdFile != null then { source = users.motdFile; } else { text = users.motd; });
      };

    security.wrappers.unix_chkpwd = {
      source = "${pkgs.libpam-modules-bin}/usr/sbin/unix_chkpwd";
      owner = "root";
      group = "shadow";
      setgid = true;
      permissions = "u+rx,g+rx,o+rx";
      links = [ "usr/sbin/unix_chkpwd" ];
    };

    security.pam.services = {
      # A service without a file of its own is refused, and the attempt is logged.
      other.text = ''
        account required pam_warn.so
        account required pam_deny.so
        auth required pam_warn.so
        auth required pam_deny.so
        password required pam_warn.so
        password required pam_deny.so
        session required pam_warn.so
        session required pam_deny.so
      '';
      login = {
        startSession = true;
        allowNullPassword = true;
        showMotd = true;
        updateWtmp = true;
        keyring = true;
        nologin = true;
        failDelay.enable = mkDefault true;
      };
      su = { rootOK = true; forwardXAuth = true; logFailures = true; };
      su-l = { rootOK = true; forwardXAuth = true; logFailures = true; keyring = true; };
      runuser = { rootOK = true; unixAuth = false; setEnvironment = false; };
      runuser-l = { rootOK = true; unixAuth = false; };
      passwd = { };
      chpasswd.rootOK = true;
      chfn.rootOK = true;
      chsh.rootOK = true;
      newusers.rootOK = true;
      useradd.rootOK = true;
      userdel.rootOK = true;
      usermod.rootOK = true;
      groupadd.rootOK = true;
      groupdel.rootOK = true;
      groupmod.rootOK = true;
      groupmems.rootOK = true;
      # The manager of a user's services: no authentication takes place.
      systemd-user = { startSession = true; unixAuth = false; keyring = true; };
      vlock = { };
    };
  };
}
