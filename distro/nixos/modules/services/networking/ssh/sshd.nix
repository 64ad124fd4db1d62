# The OpenSSH server.
#
# Units of our own instead of Debian's ssh.service: host keys are named in the configuration and
# made by a service that runs whenever one is missing. (Debian's sshd-keygen.service waits for
# "first boot", which an empty machine-id is not.)
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption mkIf mkDefault types;
  cfg = config.services.openssh;

  atom = types.oneOf [ types.bool types.int types.float types.str types.path ];
  valueText = value:
    if builtins.isBool value then (if value then "yes" else "no")
    else if builtins.isList value then lib.concatMapStringsSep "," toString value
    else toString value;
  # These take several words, the others of list type are joined by commas.
  wordLists = [
    "AllowUsers" "DenyUsers" "AllowGroups" "DenyGroups" "AcceptEnv" "AuthorizedKeysFile"
    "AuthorizedPrincipalsFile"
  ];
  settingLine = name: value:
    if value == null then ""
    else if builtins.isList value && lib.elem name wordLists then "${name} ${lib.concatMapStringsSep " " toString value}\n"
    else "${name} ${valueText value}\n";

  words = description: mkOption {
    type = types.nullOr (types.listOf types.str);
    default = null;
    inherit description;
  };
  algorithms = default: description: mkOption {
    type = types.nullOr (types.listOf types.str);
    inherit default description;
  };
  switch = default: description: mkOption {
    type = types.nullOr types.bool;
    inherit default description;
  };

  keysOptions = { ... }: {
    options.openssh.authorizedKeys = {
      keys = mkOption {
        type = types.listOf types.singleLineStr;
        default = [ ];
        example = [ "ssh-ed25519 AAAAC3… alice@machine" ];
        description = "Public keys with which one may log in as this user.";
      };
      keyFiles = mkOption {
        type = types.listOf types.path;
        default = [ ];
        description = "Files of such keys.";
      };
    };
    options.openssh.authorizedPrincipals = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      description = "Names in certificates with which one may log in as this user.";
    };
  };

  users = builtins.attrValues config.users.users;
  withKeys = lib.filter (user: user.openssh.authorizedKeys.keys != [ ] || user.openssh.authorizedKeys.keyFiles != [ ]) users;
  withPrincipals = lib.filter (user: user.openssh.authorizedPrincipals != [ ]) users;
  keysOf = user: lib.concatMapStrings (key: key + "\n")
    (user.openssh.authorizedKeys.keys
      ++ map (file: lib.removeSuffix "\n" (builtins.readFile file)) user.openssh.authorizedKeys.keyFiles);

  listens = map (address:
    "ListenAddress ${if lib.hasInfix ":" address.addr && !(lib.hasPrefix "[" address.addr) then "[${address.addr}]" else address.addr}"
    + lib.optionalString (address.port != null) ":${toString address.port}" + "\n") cfg.listenAddresses;

  configText =
    # Debian's own order: what stands first counts.
    lib.concatMapStrings (port: "Port ${toString port}\n") cfg.ports
    + lib.concatStrings listens
    + lib.concatMapStrings (key: "HostKey ${key.path}\n") cfg.hostKeys
    + "AuthorizedKeysFile ${lib.concatStringsSep " " cfg.authorizedKeysFiles}\n"
    + lib.optionalString (cfg.authorizedKeysCommand != "none")
      "AuthorizedKeysCommand ${cfg.authorizedKeysCommand}\nAuthorizedKeysCommandUser ${cfg.authorizedKeysCommandUser}\n"
    + lib.optionalString cfg.allowSFTP "Subsystem sftp ${cfg.sftpServerExecutable} ${lib.concatStringsSep " " cfg.sftpFlags}\n"
    + lib.optionalString (cfg.banner != null) "Banner ${pkgs.writeText "ssh-banner" cfg.banner}\n"
    + lib.concatStrings (lib.mapAttrsToList settingLine cfg.settings)
    # Match blocks must come last.
    + cfg.extraConfig;

  keygen = pkgs.writeScript "sshd-keygen" ''
    #!/bin/sh
    # Makes the host keys that are missing. A key is complete before it has its name.
    set -eu
    ${lib.concatMapStrings (key: ''
      if [ ! -s ${lib.escapeShellArg key.path} ]; then
        mkdir -p "$(dirname ${lib.escapeShellArg key.path})"
        rm -f ${lib.escapeShellArg "${key.path}.new"} ${lib.escapeShellArg "${key.path}.new.pub"}
        /usr/bin/ssh-keygen -q -t ${lib.escapeShellArg key.type} ${lib.optionalString (key ? bits) "-b ${toString key.bits}"} ${lib.optionalString (key ? rounds) "-a ${toString key.rounds}"} ${lib.optionalString (key ? comment) "-C ${lib.escapeShellArg key.comment}"} -f ${lib.escapeShellArg "${key.path}.new"} -N ""
        mv ${lib.escapeShellArg "${key.path}.new.pub"} ${lib.escapeShellArg "${key.path}.pub"}
        mv ${lib.escapeShellArg "${key.path}.new"} ${lib.escapeShellArg key.path}
      fi
    '') cfg.hostKeys}
  '';

  serviceCommon = {
    description = "SSH daemon";
    documentation = [ "man:sshd(8)" "man:sshd_config(5)" ];
    wants = [ "sshd-host-keys.service" ];
    after = [ "network.target" "nss-user-lookup.target" "sshd-host-keys.service" ];
    restartTriggers = [ configText ];
    stopIfChanged = false;
  };
in

{
  imports = [
    (lib.mkAliasOptionModule [ "services" "sshd" "enable" ] [ "services" "openssh" "enable" ])
    (lib.mkAliasOptionModule [ "services" "openssh" "knownHosts" ] [ "programs" "ssh" "knownHosts" ])
    (lib.mkRenamedOptionModule [ "services" "openssh" "challengeResponseAuthentication" ] [ "services" "openssh" "settings" "KbdInteractiveAuthentication" ])
  ]
  ++ lib.mapAttrsToList (old: new:
    lib.mkRenamedOptionModule [ "services" "openssh" old ] [ "services" "openssh" "settings" new ]) {
      kbdInteractiveAuthentication = "KbdInteractiveAuthentication";
      passwordAuthentication = "PasswordAuthentication";
      useDns = "UseDns";
      permitRootLogin = "PermitRootLogin";
      logLevel = "LogLevel";
      macs = "Macs";
      ciphers = "Ciphers";
      kexAlgorithms = "KexAlgorithms";
      gatewayPorts = "GatewayPorts";
      forwardX11 = "X11Forwarding";
    };

  options = {
    users.users = mkOption { type = types.attrsOf (types.submodule keysOptions); };

    services.openssh = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the OpenSSH server runs.";
      };
      package = lib.mkPackageOption pkgs "openssh-server" { };
      startWhenNeeded = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether a daemon is started for each connection instead of waiting for connections itself.
        '';
      };
      allowSFTP = mkOption {
        type = types.bool;
        default = true;
        description = "Whether files can be transferred by SFTP.";
      };
      sftpServerExecutable = mkOption {
        type = types.str;
        default = "/usr/lib/openssh/sftp-server";
        description = "The SFTP server.";
      };
      sftpFlags = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "-f AUTHPRIV" ];
        description = "Arguments of the SFTP server.";
      };
      ports = mkOption {
        type = types.listOf types.port;
        default = [ 22 ];
        description = "Ports the server listens on.";
      };
      openFirewall = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the firewall lets the ports through.";
      };
      listenAddresses = mkOption {
        type = types.listOf (types.submodule {
          options = {
            addr = mkOption {
              type = types.nullOr types.str;
              default = null;
              description = "Host or address.";
            };
            port = mkOption {
              type = types.nullOr types.int;
              default = null;
              description = "Port; null for those of {option}`services.openssh.ports`.";
            };
          };
        });
        default = [ ];
        example = [ { addr = "192.168.3.1"; port = 22; } ];
        description = "Addresses the server listens on; empty for all.";
      };
      hostKeys = mkOption {
        type = types.listOf types.attrs;
        default = lib.optionals cfg.generateHostKeys [
          { type = "rsa"; bits = 4096; path = "/etc/ssh/ssh_host_rsa_key"; }
          { type = "ed25519"; path = "/etc/ssh/ssh_host_ed25519_key"; }
        ];
        example = [ { type = "ed25519"; path = "/etc/ssh/ssh_host_ed25519_key"; rounds = 100; } ];
        description = "Host keys; those that are missing are made.";
      };
      generateHostKeys = mkOption {
        type = types.bool;
        default = true;
        description = "Whether host keys are made.";
      };
      banner = mkOption {
        type = types.nullOr types.lines;
        default = null;
        description = "Text shown before a login.";
      };
      authorizedKeysInHomedir = mkOption {
        type = types.bool;
        default = true;
        description = "Whether {file}`~/.ssh/authorized_keys` counts.";
      };
      authorizedKeysFiles = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Files of the keys a user may log in with; relative ones in the user's home.";
      };
      authorizedKeysCommand = mkOption {
        type = types.str;
        default = "none";
        description = "Program that prints a user's keys.";
      };
      authorizedKeysCommandUser = mkOption {
        type = types.str;
        default = "nobody";
        description = "User who runs that program.";
      };
      settings = mkOption {
        default = { };
        example = { UseDns = true; PasswordAuthentication = false; };
        description = "Settings of sshd_config(5).";
        type = types.submodule {
          freeformType = types.attrsOf (types.nullOr (types.either atom (types.listOf atom)));
          options = {
            AuthorizedPrincipalsFile = mkOption {
              type = types.nullOr types.str;
              default = "none";
              description = "File of accepted names in certificates.";
            };
            LogLevel = mkOption {
              type = types.nullOr (types.enum [ "QUIET" "FATAL" "ERROR" "INFO" "VERBOSE" "DEBUG" "DEBUG1" "DEBUG2" "DEBUG3" ]);
              default = "INFO";
              description = "How much is logged.";
            };
            UsePAM = switch true "Whether accounts and sessions go through PAM.";
            UseDns = switch false "Whether the client's name is looked up.";
            X11Forwarding = switch false "Whether X connections are forwarded.";
            PasswordAuthentication = switch true "Whether passwords are accepted.";
            KbdInteractiveAuthentication = switch true "Whether PAM may ask questions.";
            PermitRootLogin = mkOption {
              type = types.nullOr (types.enum [ "yes" "without-password" "prohibit-password" "forced-commands-only" "no" ]);
              default = "prohibit-password";
              description = "Whether root may log in.";
            };
            GatewayPorts = mkOption {
              type = types.nullOr types.str;
              default = "no";
              description = "Whether forwarded ports are open to other hosts.";
            };
            StrictModes = switch true "Whether loose file modes of keys are refused.";
            PrintMotd = switch false "Whether sshd itself prints the message of the day (PAM does).";
            KexAlgorithms = algorithms null "Key exchange methods; null for OpenSSH's own choice.";
            Macs = algorithms null "Message authentication codes; null for OpenSSH's own choice.";
            Ciphers = algorithms null "Ciphers; null for OpenSSH's own choice.";
            AllowUsers = words "Users who may log in; null for all.";
            DenyUsers = words "Users who may not log in.";
            AllowGroups = words "Groups whose members may log in; null for all.";
            DenyGroups = words "Groups whose members may not log in.";
          };
        };
      };
      extraConfig = mkOption {
        type = types.lines;
        default = "";
        description = "Text added at the end of {file}`sshd_config`.";
      };
    };
  };

  config = lib.mkMerge [
    {
      # systemd's own way to start sshd on local sockets: it fails, loudly, in every virtual
      # machine without a VSOCK device.
      systemd.generators.systemd-ssh-generator = mkDefault "/dev/null";
    }
    (mkIf cfg.enable {
      assertions = [
        {
          assertion = lib.all (address: address.addr != null) cfg.listenAddresses;
          message = "services.openssh.listenAddresses: every entry needs addr.";
        }
        {
          assertion = !(cfg.settings.X11Forwarding or false == null);
          message = "services.openssh.settings.X11Forwarding must be true or false.";
        }
      ];

      environment.systemPackages = [ cfg.package pkgs.openssh-sftp-server ];

      services.openssh.authorizedKeysFiles =
        lib.optional cfg.authorizedKeysInHomedir "%h/.ssh/authorized_keys" ++ [ "/etc/ssh/authorized_keys.d/%u" ];
      services.openssh.settings.AuthorizedPrincipalsFile = mkIf (withPrincipals != [ ]) "/etc/ssh/authorized_principals.d/%u";

      environment.etc = {
        "ssh/sshd_config".text = configText;
      }
      // lib.listToAttrs (map (user: lib.nameValuePair "ssh/authorized_keys.d/${user.name}" {
        text = keysOf user;
        mode = "0444";
      }) withKeys)
      // lib.listToAttrs (map (user: lib.nameValuePair "ssh/authorized_principals.d/${user.name}" {
        text = lib.concatMapStrings (name: name + "\n") user.openssh.authorizedPrincipals;
        mode = "0444";
      }) withPrincipals);

      systemd.services.sshd-host-keys = {
        description = "Make missing SSH host keys";
        unitConfig.ConditionPathIsReadWrite = "/etc/ssh";
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = toString keygen;
        };
      };
      systemd.services.sshd = mkIf (!cfg.startWhenNeeded) (serviceCommon // {
        wantedBy = [ "multi-user.target" ];
        aliases = [ "ssh.service" ];
        serviceConfig = {
          Type = "notify";
          ExecStartPre = "/usr/sbin/sshd -t";
          ExecStart = "/usr/sbin/sshd -D";
          ExecReload = "/bin/kill -HUP $MAINPID";
          KillMode = "process";
          Restart = "on-failure";
          RestartPreventExitStatus = 255;
          RuntimeDirectory = "sshd";
          RuntimeDirectoryMode = "0755";
          RuntimeDirectoryPreserve = true;
        };
      });
      systemd.sockets.sshd = mkIf cfg.startWhenNeeded {
        description = "SSH socket";
        wantedBy = [ "sockets.target" ];
        socketConfig = {
          ListenStream = if cfg.listenAddresses != [ ]
            then lib.concatMap (address: map (port: "${address.addr}:${toString port}")
              (if address.port != null then [ address.port ] else cfg.ports)) cfg.listenAddresses
            else cfg.ports;
          Accept = true;
          TriggerLimitIntervalSec = 0;
        };
      };
      systemd.services."sshd@" = mkIf cfg.startWhenNeeded {
        overrideStrategy = "asDropin";
        wants = [ "sshd-host-keys.service" ];
        after = [ "sshd-host-keys.service" ];
      };

      networking.firewall.allowedTCPPorts = lib.optionals cfg.openFirewall
        (if cfg.listenAddresses == [ ] then cfg.ports
        else lib.unique (lib.concatMap (address: if address.port != null then [ address.port ] else cfg.ports) cfg.listenAddresses));

      security.pam.services.sshd = {
        startSession = true;
        showMotd = true;
        nologin = true;
        keyring = true;
        unixAuth = if cfg.settings.PasswordAuthentication == null then true else cfg.settings.PasswordAuthentication;
      };
    })
  ];
}
