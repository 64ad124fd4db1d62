# Activation: what is done to a running machine so that it is the system of this configuration.
#
# The scripts make one program, `activate`, which runs at every boot before systemd starts and
# when a machine is switched. Each script stands after those it depends on. A failing command
# does not stop the others; the program then ends with status 1 and names the script.
{ config, lib, pkgs, ... }:
let
  inherit (lib) attrNames concatStringsSep mkOption types;

  asEntry = value: if builtins.isString value then lib.noDepEntry value else value;

  # The text of one script, watched.
  wrap =
    name: entry:
    let
      failure = "Activation script snippet '${name}' failed";
    in
    ''
      #### Activation script snippet ${name}:
      _localstatus=0
      ${entry.text}
      if (( _localstatus > 0 )); then
        printf "${failure} (%s)\n" "$_localstatus" >&2
      fi
    '';

  join =
    set: onlyDry:
    let
      entries = lib.mapAttrs (_: asEntry) set;
      kept =
        if !onlyDry then
          entries
        else
          lib.mapAttrs (
            _: entry: if entry.supportsDryActivation or false then entry else entry // { text = ":"; }
          ) entries;
      wrapped = lib.mapAttrs (name: entry: entry // { text = wrap name entry; }) kept;
    in
    lib.textClosureMap lib.id wrapped (attrNames wrapped);

  program = set: onlyDry: ''
    #!/bin/bash
    systemConfig=''${systemConfig:-$(cd "$(dirname "$0")" && pwd -P)}
    export PATH=/usr/bin:/usr/sbin:/bin:/sbin

    _status=0
    trap "_status=1 _localstatus=\$?" ERR

    # Files are made readable to all unless a script says otherwise.
    umask 0022

    ${join set onlyDry}

    ${lib.optionalString (!onlyDry) ''
      # This system is the current one, from here on.
      ln -sfn "$systemConfig" /run/current-system

      # Not collected as long as it runs.
      if [ -d /nix/var/nix/gcroots ] && [ -w /nix/var/nix/gcroots ]; then
        ln -sfn /run/current-system /nix/var/nix/gcroots/current-system
      fi
    ''}
    exit $_status
  '';

  scriptType =
    withDry:
    types.either types.str (
      types.submodule {
        options = {
          deps = mkOption {
            type = types.listOf types.str;
            default = [ ];
            description = "Names of the scripts that come before this one.";
          };
          text = mkOption {
            type = types.lines;
            description = "The commands.";
          };
        }
        // lib.optionalAttrs withDry {
          supportsDryActivation = mkOption {
            type = types.bool;
            default = false;
            description = ''
              Whether the script looks at `$NIXOS_ACTION` and changes nothing when that is
              `dry-activate`.
            '';
          };
        };
      }
    );
in
{
  options = {
    system.activationScripts = mkOption {
      default = { };
      example = lib.literalExpression ''
        {
          stdio.text = "ln -sfn /proc/self/fd /dev/fd";
          after-etc = {
            deps = [ "etc" ];
            text = "echo hello > /run/greeting";
          };
        }
      '';
      description = ''
        Shell scripts that run when the system is booted or switched to. They may run any number
        of times and have to be quick: long work belongs into a unit of systemd.
      '';
      type = types.attrsOf (scriptType true);
      apply = set: set // { script = program set false; };
    };
    system.dryActivationScript = mkOption {
      description = "The program that shows what an activation would do.";
      type = types.str;
      readOnly = true;
      internal = true;
      default = program (removeAttrs config.system.activationScripts [ "script" ]) true;
      defaultText = lib.literalMD "generated activation script";
    };
    system.userActivationScripts = mkOption {
      default = { };
      description = "Shell scripts that run in each user's session when the system is switched to, and at login.";
      type = types.attrsOf (scriptType false);
      apply = set: {
        script = ''
          #!/bin/bash
          export PATH=/run/current-system/sw/bin:/usr/bin:/usr/sbin:/bin:/sbin
          _status=0
          trap "_status=1 _localstatus=\$?" ERR

          ${join set false}

          exit $_status
        '';
      };
    };
    environment.usrbinenv = mkOption {
      default = "/usr/bin/env";
      type = types.nullOr types.path;
      visible = false;
      description = "Accepted for compatibility: Debian's own {file}`/usr/bin/env` is there.";
    };
    system.build.installBootLoader = mkOption {
      internal = true;
      default = pkgs.writeShellScript "no-bootloader" ''
        echo 'Warning: do not know how to make this configuration bootable; please enable a boot loader.' >&2
      '';
      defaultText = lib.literalMD "a script that says that no boot loader is configured";
      type = types.unique {
        message = "Only one bootloader can be enabled at a time.";
      } (types.either types.str types.package);
      description = "Program that writes the boot loader's files, called with the system to boot.";
    };
  };

  config = {
    # Folders that everything expects; modules add their own by systemd.tmpfiles.
    system.activationScripts.var = {
      text = ''
        mkdir -p -m 0755 /var /var/lib /var/log /var/cache /var/spool /home /root /run /srv /mnt /opt
        mkdir -p -m 1777 /tmp /var/tmp
        mkdir -p -m 0555 /var/empty
        chmod 0700 /root
        [ -e /var/run ] || ln -sfn /run /var/run
        [ -e /var/lock ] || ln -sfn /run/lock /var/lock
      '';
    };

    # The old names of what lies below /usr.
    system.activationScripts.usrmerge = {
      text = ''
        for _name in bin sbin lib lib64; do
          if [ -d "/usr/$_name" ] && { [ -L "/$_name" ] || ! [ -e "/$_name" ]; }; then
            if [ "$(readlink "/$_name" 2>/dev/null)" != "usr/$_name" ]; then
              ln -sfn "usr/$_name" "/$_name"
            fi
          fi
        done
        unset _name
      '';
    };

    # Names that other modules, as in NixOS, may depend on.
    system.activationScripts.stdio = "";
    system.activationScripts.specialfs = lib.mkDefault "";
    system.activationScripts.binsh = {
      deps = [ "usrmerge" ];
      text = "";
    };
    system.activationScripts.usrbinenv = {
      deps = [ "usrmerge" ];
      text = "";
    };
    system.activationScripts.users = lib.mkDefault { text = ""; };
    system.activationScripts.groups = lib.mkDefault { text = ""; };

    systemd.user.services.nixos-activation = lib.mkIf (config.system.userActivationScripts.script != "") {
      description = "Run user-specific activation";
      script = config.system.userActivationScripts.script;
      unitConfig.ConditionUser = "!@system";
      serviceConfig.Type = "oneshot";
      serviceConfig.RemainAfterExit = true;
      wantedBy = [ "default.target" ];
    };
  };
}
