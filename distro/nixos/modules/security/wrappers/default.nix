# Programs with setuid, setgid or capabilities.
#
# The store holds no such file: a mode bit there would be a door for everybody who can read the
# store, and a hard link would carry it elsewhere. At each activation copies are made in a tmpfs of
# their own, /run/wrappers, into a fresh directory that replaces the former in one rename.
#
# Debian programs call some of these by absolute path (/usr/lib/openssh/ssh-keysign, …). For such
# a wrapper, `links` names the places in the system's tree that become links to the wrapper.
# Invariant: nothing that runs before the activation script's end is among them (mount, umount).
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.security;

  modeType = types.strMatching "([ugo]*[+=-][rwxXst]*(,[ugo]*[+=-][rwxXst]*)*)|[0-7]{3,4}";

  wrapperType = types.submodule ({ name, config, ... }: {
    options = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the wrapper is made.";
      };
      source = mkOption {
        type = types.path;
        description = "Absolute path of the program.";
      };
      program = mkOption {
        type = types.nullOr types.str;
        default = name;
        description = "Name of the wrapper.";
      };
      owner = mkOption {
        type = types.str;
        description = "Owner of the wrapper.";
      };
      group = mkOption {
        type = types.str;
        description = "Group of the wrapper.";
      };
      permissions = mkOption {
        type = modeType;
        default = "u+rx,g+x,o+x";
        example = "a+rx";
        description = ''
          Mode of the wrapper, as chmod(1) takes it, without the setuid and setgid bits.
        '';
      };
      capabilities = mkOption {
        type = types.commas;
        default = "";
        example = "cap_net_raw+ep";
        description = "Capabilities of the file, in the notation of setcap(8).";
      };
      setuid = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the program runs as its owner.";
      };
      setgid = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the program runs with its group.";
      };
      links = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "usr/bin/sudo" ];
        description = ''
          Places in the system's file tree that become links to the wrapper, for programs that
          call it by absolute path.
        '';
      };
    };
  });

  wrappers = lib.filter (wrapper: wrapper.enable) (builtins.attrValues cfg.wrappers);

  # A change of owner clears setuid bits and a write clears capabilities: hence this order.
  make = wrapper:
    let
      file = lib.escapeShellArg wrapper.program;
      special = (lib.optional wrapper.setuid "u+s") ++ (lib.optional wrapper.setgid "g+s");
    in
    ''
      if [ -f ${lib.escapeShellArg (toString wrapper.source)} ]; then
        /usr/bin/cp -L --no-preserve=all ${lib.escapeShellArg (toString wrapper.source)} "$fresh"/${file}
        /usr/bin/chmod 0000 "$fresh"/${file}
        /usr/bin/chown ${lib.escapeShellArg "${wrapper.owner}:${wrapper.group}"} "$fresh"/${file}
        ${lib.optionalString (wrapper.capabilities != "")
          ''/usr/sbin/setcap ${lib.escapeShellArg wrapper.capabilities} "$fresh"/${file}''}
        /usr/bin/chmod ${lib.concatStringsSep "," ([ wrapper.permissions ] ++ special)} "$fresh"/${file}
      else
        echo "wrappers: ${wrapper.program}: there is no ${toString wrapper.source}" >&2
      fi
    '';

  setuidRoot = source: links: {
    setuid = true;
    owner = "root";
    group = "root";
    permissions = "u+rx,g+rx,o+rx";
    inherit source links;
  };
in

{
  options.security = {
    enableWrappers = mkOption {
      type = types.bool;
      default = true;
      description = "Whether programs with setuid, setgid or capabilities are made.";
    };
    wrappers = mkOption {
      type = types.attrsOf wrapperType;
      default = { };
      example = lib.literalExpression ''
        {
          ping = {
            owner = "root";
            group = "root";
            capabilities = "cap_net_raw+ep";
            source = "''${pkgs.iputils-ping}/bin/ping";
          };
        }
      '';
      description = ''
        Copies of programs with special rights, made at activation in
        {option}`security.wrapperDir`, which comes first in `PATH`.
      '';
    };
    wrapperDirSize = mkOption {
      type = types.strMatching "[0-9]+[kKmMgG%]?";
      default = "50%";
      description = "Size of the tmpfs of the wrappers.";
    };
    wrapperDir = mkOption {
      type = types.path;
      default = "/run/wrappers/bin";
      internal = true;
      description = "Where the wrappers stand.";
    };
  };

  config = lib.mkMerge [
    {
      assertions = lib.concatMap (wrapper: [
        {
          assertion = wrapper.setuid || wrapper.setgid -> wrapper.capabilities == "";
          message = "security.wrappers.${wrapper.program} has setuid or setgid as well as capabilities; choose one.";
        }
      ]) wrappers;
    }
    (lib.mkIf cfg.enableWrappers {
      security.wrappers = lib.mapAttrs (_: wrapper: lib.mapAttrs (_: lib.mkDefault) wrapper) {
        sg = setuidRoot "${pkgs.login}/usr/bin/newgrp" [ "usr/bin/sg" ];
        mount = setuidRoot "${pkgs.mount}/usr/bin/mount" [ ];
        umount = setuidRoot "${pkgs.mount}/usr/bin/umount" [ ];
        newgrp = setuidRoot "${pkgs.login}/usr/bin/newgrp" [ "usr/bin/newgrp" ];
        passwd = setuidRoot "${pkgs.passwd}/usr/bin/passwd" [ "usr/bin/passwd" ];
        chsh = setuidRoot "${pkgs.passwd}/usr/bin/chsh" [ "usr/bin/chsh" ];
        chfn = setuidRoot "${pkgs.passwd}/usr/bin/chfn" [ "usr/bin/chfn" ];
        gpasswd = setuidRoot "${pkgs.passwd}/usr/bin/gpasswd" [ "usr/bin/gpasswd" ];
        chage = {
          setgid = true;
          owner = "root";
          group = "shadow";
          permissions = "u+rx,g+rx,o+rx";
          source = "${pkgs.passwd}/usr/bin/chage";
          links = [ "usr/bin/chage" ];
        };
        newuidmap = setuidRoot "${pkgs.uidmap}/usr/bin/newuidmap" [ "usr/bin/newuidmap" ];
        newgidmap = setuidRoot "${pkgs.uidmap}/usr/bin/newgidmap" [ "usr/bin/newgidmap" ];
        ping = {
          owner = "root";
          group = "root";
          capabilities = "cap_net_raw+ep";
          permissions = "u+rx,g+rx,o+rx";
          source = "${pkgs.iputils-ping}/usr/bin/ping";
          links = [ "usr/bin/ping" ];
        };
      };
      environment.systemPackages = [ pkgs.libcap2-bin pkgs.uidmap pkgs.iputils-ping pkgs.mount ];

      environment.systemTreeLinks = lib.mkMerge (map (wrapper:
        lib.genAttrs wrapper.links (_: lib.mkDefault "${cfg.wrapperDir}/${wrapper.program}")) wrappers);

      system.activationScripts.wrappers = {
        deps = [ "users" ];
        text = ''
          parent=/run/wrappers
          /usr/bin/mkdir -p "$parent"
          if ! /usr/bin/mountpoint -q "$parent"; then
            /usr/bin/mount -t tmpfs -o nodev,mode=755,size=${cfg.wrapperDirSize} tmpfs "$parent"
          fi
          fresh=$(/usr/bin/mktemp -d "$parent/wrappers.XXXXXXXXXX")
          /usr/bin/chmod a+rx "$fresh"
          ${lib.concatMapStrings make wrappers}
          former=$(/usr/bin/readlink -e ${cfg.wrapperDir} || :)
          /usr/bin/ln -sfn "$fresh" ${cfg.wrapperDir}.new
          /usr/bin/mv -T ${cfg.wrapperDir}.new ${cfg.wrapperDir}
          case "$former" in
            "$parent"/wrappers.*) [ "$former" = "$fresh" ] || /usr/bin/rm -rf "$former" ;;
          esac
          unset parent fresh former
        '';
      };
    })
  ];
}
