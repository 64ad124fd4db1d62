# What the system calls itself: versions, /etc/os-release, the state version.
#
# The files are Debian's, so /etc/os-release says which Debian they are like (ID_LIKE, the
# Debian code name) while ID and NAME say honestly that this is another distribution.
{ config, lib, options, pkgs, ... }:
let
  inherit (lib) concatStringsSep literalExpression mkDefault mkOption types;
  cfg = config.system.nixos;

  debianCodeName = pkgs.debian.release;
  debianVersion =
    {
      bookworm = "12";
      trixie = "13";
      forky = "14";
    }
    .${debianCodeName} or debianCodeName;

  quote =
    value: if builtins.match "[a-zA-Z0-9_.-]*" value != null then value else builtins.toJSON value;
  asLines =
    fields:
    concatStringsSep "\n" (
      lib.mapAttrsToList (name: value: "${name}=${quote value}") (
        lib.filterAttrs (_: value: value != null && value != "") fields
      )
    )
    + "\n";

  osRelease = {
    NAME = cfg.distroName;
    ID = cfg.distroId;
    ID_LIKE = "debian";
    VERSION = "${cfg.release} (${cfg.codeName})";
    VERSION_CODENAME = lib.toLower cfg.codeName;
    VERSION_ID = cfg.release;
    BUILD_ID = cfg.version;
    PRETTY_NAME = "${cfg.distroName} ${cfg.release} (${cfg.codeName})";
    DEBIAN_VERSION_ID = debianVersion;
    DEBIAN_CODENAME = debianCodeName;
    HOME_URL = "https://www.debian.org/";
    VENDOR_NAME = cfg.vendorName;
    VARIANT = cfg.variantName;
    VARIANT_ID = cfg.variant_id;
    IMAGE_ID = config.system.image.id;
    IMAGE_VERSION = config.system.image.version;
    DEFAULT_HOSTNAME = cfg.distroId;
  }
  // cfg.extraOSReleaseArgs;

  string = default: description: mkOption {
    type = types.str;
    internal = true;
    inherit default description;
  };
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "system" "nixosVersion" ] [ "system" "nixos" "version" ])
    (lib.mkRenamedOptionModule [ "system" "nixosVersionSuffix" ] [ "system" "nixos" "versionSuffix" ])
    (lib.mkRenamedOptionModule [ "system" "nixosRevision" ] [ "system" "nixos" "revision" ])
    (lib.mkRenamedOptionModule [ "system" "nixosLabel" ] [ "system" "nixos" "label" ])
  ];

  options.system = {
    nixos = {
      version = mkOption {
        internal = true;
        type = types.str;
        description = "Full version, for example `26.11.debian13`.";
      };
      release = mkOption {
        readOnly = true;
        type = types.str;
        default = lib.trivial.release;
        description = "The NixOS release whose options the system has.";
      };
      versionSuffix = string ".debian${debianVersion}" "Second part of the version: the Debian release the packages come from." // {
        defaultText = literalExpression ''".debian13"'';
      };
      revision = mkOption {
        internal = true;
        type = types.nullOr types.str;
        default = null;
        description = "Commit the distribution was taken from.";
      };
      codeName = mkOption {
        readOnly = true;
        type = types.str;
        default = debianCodeName;
        defaultText = literalExpression ''"trixie"'';
        description = "Code name of the Debian release the packages come from.";
      };
      distroId = string "firn" "Identifier of the distribution, in lower case.";
      distroName = string "Firn" "Name of the distribution.";
      variant_id = mkOption {
        type = types.nullOr (types.strMatching "[a-z0-9._-]+");
        default = null;
        example = "installer";
        description = "Identifier of the variant of the distribution.";
      };
      variantName = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "Installer";
        description = "Name of the variant of the distribution.";
      };
      vendorId = string "firn" "Identifier of who publishes the distribution.";
      vendorName = string "Firn" "Name of who publishes the distribution.";
      extraOSReleaseArgs = mkOption {
        internal = true;
        type = types.attrsOf types.str;
        default = { };
        description = "Further fields of {file}`/etc/os-release`.";
      };
      extraLSBReleaseArgs = mkOption {
        internal = true;
        type = types.attrsOf types.str;
        default = { };
        description = "Further fields of {file}`/etc/lsb-release`.";
      };
    };

    image = {
      id = mkOption {
        type = types.nullOr (types.strMatching "[a-z0-9._-]+");
        default = null;
        description = "Identifier of the image the system is made as.";
      };
      version = mkOption {
        type = types.nullOr (types.strMatching "[a-z0-9._~^-]+");
        default = null;
        description = "Version of the image the system is made as.";
      };
    };

    stateVersion = mkOption {
      type = types.str;
      default = config.system.nixos.release;
      defaultText = literalExpression "config.system.nixos.release";
      description = ''
        The release this machine was first installed with. Modules that keep data choose formats
        by it, so it stays as it is when the machine is upgraded.
      '';
    };
    defaultChannel = mkOption {
      internal = true;
      type = types.str;
      default = "";
      description = "Accepted for compatibility; packages are pinned by the lock file.";
    };
    configurationRevision = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Commit of the configuration, for `nixos-version --configuration-revision`.";
    };
    debian.release = mkOption {
      internal = true;
      readOnly = true;
      type = types.str;
      default = debianVersion;
      description = "Number of the Debian release the packages come from.";
    };
  };

  options.boot.initrd.osRelease = mkOption {
    internal = true;
    readOnly = true;
    type = types.path;
    default = pkgs.writeText "initrd-release" (asLines (osRelease // {
      PRETTY_NAME = "${osRelease.PRETTY_NAME} (Initrd)";
    }));
    description = "The os-release file of the initial RAM disk.";
  };

  config = {
    assertions = [
      {
        assertion = builtins.match "[0-9]{2}\\.[0-9]{2}" config.system.stateVersion != null;
        message = "system.stateVersion is `${config.system.stateVersion}', but it has to be a release such as \"${config.system.nixos.release}\".";
      }
    ];

    system.nixos.version = mkDefault (cfg.release + cfg.versionSuffix);

    environment.etc = {
      "os-release".text = asLines osRelease;
      "lsb-release".text = asLines (
        {
          LSB_VERSION = "${cfg.release} (${cfg.codeName})";
          DISTRIB_ID = cfg.distroId;
          DISTRIB_RELEASE = cfg.release;
          DISTRIB_CODENAME = lib.toLower cfg.codeName;
          DISTRIB_DESCRIPTION = "${cfg.distroName} ${cfg.release} (${cfg.codeName})";
        }
        // cfg.extraLSBReleaseArgs
      );
      "debian_version".text = "${debianVersion}\n";
    };
  };
}
