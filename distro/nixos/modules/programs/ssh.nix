# The OpenSSH client: its configuration, known hosts, agent.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.programs.ssh;
  yesNo = value: if value then "yes" else "no";
  list = description: mkOption {
    type = types.nullOr (types.listOf types.str);
    default = null;
    inherit description;
  };

  hosts = builtins.attrValues cfg.knownHosts;
  hostLine = host:
    lib.optionalString host.certAuthority "@cert-authority "
    + lib.concatStringsSep "," (if host.hostNames != [ ] then host.hostNames else [ host.name ] ++ host.extraHostNames)
    + " "
    + (if host.publicKey != null then host.publicKey else lib.removeSuffix "\n" (builtins.readFile host.publicKeyFile))
    + "\n";

  hostModule = { name, ... }: {
    options = {
      certAuthority = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the key signs certificates of hosts.";
      };
      name = mkOption {
        type = types.str;
        internal = true;
        default = name;
        description = "The attribute's name.";
      };
      hostNames = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Names and addresses of the host.";
      };
      extraHostNames = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Names besides the attribute's name.";
      };
      publicKey = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The host's public key.";
      };
      publicKeyFile = mkOption {
        type = types.nullOr types.path;
        default = null;
        description = "File with the host's public key.";
      };
    };
  };
in

{
  options.programs.ssh = {
    enable = mkOption {
      type = types.bool;
      default = true;
      visible = false;
      description = "Whether the client is there.";
    };
    package = lib.mkPackageOption pkgs "openssh-client" { };
    enableAskPassword = mkOption {
      type = types.bool;
      default = false;
      description = "Whether a graphical program asks for passwords.";
    };
    askPassword = mkOption { type = types.str; default = ""; description = "That program."; };
    systemd-ssh-proxy.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether `ssh unix/…` and `ssh vsock/…` work.";
    };
    forwardX11 = mkOption {
      type = types.nullOr types.bool;
      default = false;
      description = "Whether X connections are forwarded.";
    };
    setXAuthLocation = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility.";
    };
    pubkeyAcceptedKeyTypes = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Kinds of keys used for logging in.";
    };
    hostKeyAlgorithms = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Kinds of host keys accepted.";
    };
    extraConfig = mkOption {
      type = types.lines;
      default = "";
      description = "Text put before the rest of {file}`ssh_config`.";
    };
    startAgent = mkOption {
      type = types.bool;
      default = false;
      description = "Whether an agent is started at login.";
    };
    agentTimeout = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "1h";
      description = "How long the agent keeps a key.";
    };
    agentPKCS11Whitelist = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Accepted for compatibility.";
    };
    knownHosts = mkOption {
      type = types.attrsOf (types.submodule hostModule);
      default = { };
      description = "Public keys of hosts.";
    };
    knownHostsFiles = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = "Further files of hosts' keys.";
    };
    kexAlgorithms = list "Key exchange methods.";
    ciphers = list "Ciphers.";
    macs = list "Message authentication codes.";
  };

  config = mkIf cfg.enable {
    assertions = map (host: {
      assertion = (host.publicKey == null) != (host.publicKeyFile == null);
      message = "programs.ssh.knownHosts.${host.name} needs exactly one of publicKey and publicKeyFile.";
    }) hosts;

    environment.systemPackages = [ cfg.package ];
    environment.etc = {
      "ssh/ssh_config".text =
        cfg.extraConfig
        + ''

          Include /etc/ssh/ssh_config.d/*.conf

          Host *
            GlobalKnownHostsFile ${lib.concatMapStringsSep " " toString ([ "/etc/ssh/ssh_known_hosts" ] ++ cfg.knownHostsFiles)}
            SendEnv LANG LC_* COLORTERM NO_COLOR
            HashKnownHosts yes
        ''
        + lib.optionalString (cfg.forwardX11 != null) "  ForwardX11 ${yesNo cfg.forwardX11}\n"
        + lib.optionalString (cfg.pubkeyAcceptedKeyTypes != [ ]) "  PubkeyAcceptedAlgorithms ${lib.concatStringsSep "," cfg.pubkeyAcceptedKeyTypes}\n"
        + lib.optionalString (cfg.hostKeyAlgorithms != [ ]) "  HostKeyAlgorithms ${lib.concatStringsSep "," cfg.hostKeyAlgorithms}\n"
        + lib.optionalString (cfg.kexAlgorithms != null) "  KexAlgorithms ${lib.concatStringsSep "," cfg.kexAlgorithms}\n"
        + lib.optionalString (cfg.ciphers != null) "  Ciphers ${lib.concatStringsSep "," cfg.ciphers}\n"
        + lib.optionalString (cfg.macs != null) "  MACs ${lib.concatStringsSep "," cfg.macs}\n";
      "ssh/ssh_known_hosts".text = lib.concatMapStrings hostLine hosts;
      "ssh/ssh_config.d/20-systemd-ssh-proxy.conf" = mkIf cfg.systemd-ssh-proxy.enable {
        source = "/usr/lib/systemd/ssh_config.d/20-systemd-ssh-proxy.conf";
      };
    };

    security.wrappers.ssh-keysign = {
      source = "${cfg.package}/usr/lib/openssh/ssh-keysign";
      owner = "root";
      group = "root";
      setuid = true;
      permissions = "u+rx,g+rx,o+rx";
      links = [ "usr/lib/openssh/ssh-keysign" ];
    };
    # Set-group-id keeps other processes of the user from tracing the agent.
    security.wrappers.ssh-agent = {
      source = "${cfg.package}/usr/bin/ssh-agent";
      owner = "root";
      group = "_ssh";
      setgid = true;
      permissions = "u+rwx,g+rx,o+rx";
      links = [ "usr/bin/ssh-agent" ];
    };

    systemd.user.services.ssh-agent = mkIf cfg.startAgent {
      description = "SSH agent";
      wantedBy = [ "default.target" ];
      unitConfig.ConditionUser = "!@system";
      serviceConfig = {
        ExecStartPre = "/bin/rm -f %t/ssh-agent";
        ExecStart = "${config.security.wrapperDir}/ssh-agent -D "
          + lib.optionalString (cfg.agentTimeout != null) "-t ${cfg.agentTimeout} " + "-a %t/ssh-agent";
        SuccessExitStatus = 2;
      };
    };
    environment.extraInit = lib.optionalString cfg.startAgent ''
      if [ -z "$SSH_AUTH_SOCK" ] && [ -n "$XDG_RUNTIME_DIR" ]; then
        export SSH_AUTH_SOCK="$XDG_RUNTIME_DIR/ssh-agent"
      fi
    '';
  };
}
