# The system's file tree: what stands in /usr, and at /run/current-system/sw.
#
# All packages of environment.systemPackages with everything they depend on, merged into one tree
# of real files (programs that look for their siblings through their real path need that). On top
# lie links that maintainer scripts or the wrappers call for: environment.systemTreeLinks.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.environment;

  closure = pkgs.debian.closureOf cfg.systemPackages;

  documentation = config.documentation;
  excluded =
    lib.optionals (!documentation.enable || !documentation.man.enable) [ "usr/share/man" ]
    ++ lib.optionals (!documentation.enable || !documentation.info.enable) [ "usr/share/info" ]
    ++ lib.optionals (!documentation.enable || !documentation.doc.enable) [
      "usr/share/doc"
      "usr/share/doc-base"
      "usr/share/gtk-doc"
    ]
    ++ [
      # What only Debian's package manager and its build tools read.
      "usr/share/lintian"
      "usr/share/bug"
      "usr/share/debhelper"
      "usr/share/menu"
      "usr/lib/dpkg"
      "var/cache/adduser"
      "var/cache/debconf"
      "var/cache/ldconfig"
      "var/lib/dpkg"
      "var/lib/ucf"
      "var/lock"
      "var/log/runit"
      "var/run"
      "var/tmp"
    ]
    ++ cfg.systemTreeExcludes;

  links = pkgs.writeTree {
    name = "system-links";
    entries = lib.mapAttrsToList (path: target: { inherit path target; type = "link"; })
      (lib.filterAttrs (_: target: target != null) cfg.systemTreeLinks);
  };
in

{
  imports = [
    (lib.mkRemovedOptionModule [ "environment" "blcr" ] "The BLCR module has been removed")
  ];

  options = {
    environment = {
      systemPackages = mkOption {
        type = types.listOf types.package;
        default = [ ];
        example = lib.literalExpression "[ pkgs.htop pkgs.ripgrep ]";
        description = ''
          Packages of the system: any Debian package is {var}`pkgs`.‹name›. Their dependencies
          come with them.
        '';
      };
      corePackages = mkOption {
        type = types.listOf types.package;
        defaultText = lib.literalMD "the programs without which no Debian system works";
        description = "Packages that every system has.";
      };
      defaultPackages = mkOption {
        type = types.listOf types.package;
        default = [ pkgs.nano pkgs.strace pkgs.rsync pkgs.perl-base ];
        defaultText = lib.literalExpression "[ pkgs.nano pkgs.strace pkgs.rsync pkgs.perl-base ]";
        description = "Packages that a system has unless set otherwise; none of them is essential.";
      };
      pathsToLink = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "/" ];
        description = "Accepted for compatibility: the tree has all files of its packages.";
      };
      extraOutputsToInstall = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = ''
          Accepted for compatibility: Debian splits documentation and headers into packages.
        '';
      };
      extraSetup = mkOption {
        type = types.lines;
        default = "";
        description = "Accepted for compatibility; see {option}`environment.systemTreeLinks`.";
      };
      systemTreeLinks = mkOption {
        type = types.attrsOf (types.nullOr types.str);
        default = { };
        example = { "usr/bin/vi" = "/usr/bin/vim.tiny"; };
        description = ''
          Links in the system's file tree, which lie over what packages have in the same place;
          null takes one away.
        '';
      };
      systemTreeExcludes = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "usr/share/icons" ];
        description = "Paths that are left out of the system's file tree, with all below them.";
      };
    };
    environment.systemTreePreferences = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = "Packages whose files win where two packages have different ones in one place.";
    };
    system.path = mkOption {
      internal = true;
      description = "The system's file tree.";
    };
    system.debianPackageNames = mkOption {
      type = types.listOf types.str;
      internal = true;
      readOnly = true;
      description = "Names of all Debian packages in the system, dependencies included.";
    };
  };

  config = {
    environment.corePackages = lib.mkDefault (map (name: pkgs.${name}) [
      "base-files"
      "base-passwd"
      "bash"
      "bsdutils"
      "ca-certificates"
      "coreutils"
      "dash"
      "debianutils"
      "diffutils"
      "findutils"
      "gpgv"
      "grep"
      "gzip"
      "hostname"
      "init-system-helpers"
      "kmod"
      "less"
      "libc-bin"
      "login"
      "mawk"
      "mount"
      "ncurses-base"
      "ncurses-bin"
      "ncurses-term"
      "netbase"
      "procps"
      "psmisc"
      "sed"
      "systemd"
      "systemd-sysv"
      "tar"
      "tzdata"
      "udev"
      "util-linux"
      "xz-utils"
      "bzip2"
      "zstd"
      "curl"
      "iproute2"
      "acl"
      "attr"
    ]);
    environment.systemPackages = cfg.corePackages ++ cfg.defaultPackages;

    # Kernel modules and firmware are those of the system that was booted, even after a switch.
    environment.systemTreeLinks = lib.mkIf config.boot.kernel.enable {
      "usr/lib/modules" = lib.mkDefault "/run/booted-system/kernel-modules/lib/modules";
      "usr/lib/firmware" = lib.mkDefault "/run/booted-system/firmware";
    };
    # What would only mislead: scripts of another init system, Debian's packaging tools' files.
    environment.etcExcludes = [
      "init.d" "rc*.d" "rcS.d" "apt" "apparmor.d" "dpkg" "initramfs-tools" "kernel" "lintianrc"
      "modules-load.d/modules.conf" "debconf.conf" "emacs" "alternatives/README" "dhcp"
    ];

    system.debianPackageNames = lib.unique
      (map (package: package.pname or package.name) (lib.filter (package: package ? pname) closure));

    system.path = pkgs.mergeTrees {
      name = "system-path";
      trees = [ links ] ++ closure;
      exclude = excluded;
      prefer = [ links ] ++ cfg.systemTreePreferences;
    };
  };
}
