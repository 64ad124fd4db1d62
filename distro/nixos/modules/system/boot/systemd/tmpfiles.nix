# systemd-tmpfiles: files and folders that are made at boot and cleaned from time to time.
#
# The packages' own rules stand in the system's tree, /usr/lib/tmpfiles.d, and are read from there;
# a file of the same name in /etc/tmpfiles.d takes a package's place.
{ config, lib, utils, ... }:
let
  inherit (lib) concatStringsSep mkOption types;
  cfg = config.systemd.tmpfiles;

  # A field of a rule: quoted where it has to be.
  field =
    value:
    if value == "" then
      "-"
    else if builtins.match "[^[:space:]\"'\\\\]+" value != null then
      value
    else
      ''"${lib.escape [ "\\" "\"" ] value}"'';

  ruleType =
    { name, ... }:
    let
      text = default: description: mkOption {
        type = types.str;
        inherit default description;
      };
    in
    {
      options = {
        type = text name "What the rule does: `d`, `f`, `L+` and so on, see {manpage}`tmpfiles.d(5)`." // {
          example = "d";
        };
        mode = text "-" "Mode of the file or folder.";
        user = text "-" "Owner of the file or folder.";
        group = text "-" "Group of the file or folder.";
        age = text "-" "Age at which content is removed.";
        argument = text "" "Argument, which depends on the type: content, link target and so on.";
      };
    };

  lineOf =
    path: rule:
    concatStringsSep " " [
      rule.type
      (field path)
      rule.mode
      rule.user
      rule.group
      rule.age
      rule.argument
    ];

  linesOf =
    paths:
    lib.concatStrings (
      lib.concatLists (
        lib.mapAttrsToList (
          path: rules: lib.mapAttrsToList (_: rule: lib.trim (lineOf path rule) + "\n") rules
        ) paths
      )
    );
in
{
  options.systemd.tmpfiles = {
    rules = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "d /tmp 1777 root root 10d" ];
      description = "Rules, as {manpage}`tmpfiles.d(5)` writes them.";
    };
    settings = mkOption {
      default = { };
      example = {
        "10-mypackage"."/var/lib/my-service/statefolder".d = {
          mode = "0755";
          user = "root";
          group = "root";
        };
      };
      description = "Rules by file, path and type.";
      type = types.attrsOf (types.attrsOf (types.attrsOf (types.submodule ruleType)));
    };
    packages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      description = ''
        Packages whose rules ({file}`lib/tmpfiles.d`) apply. Debian packages are added to the
        system, where their rules are found.
      '';
    };
  };

  options.systemd.user.tmpfiles = {
    enable = mkOption {
      type = types.bool;
      default = config.systemd.user.tmpfiles.rules != [ ] || config.systemd.user.tmpfiles.users != { };
      defaultText = lib.literalMD "whether there are rules";
      description = "Whether users' rules are applied when they log in.";
    };
    rules = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "D %C - - - 7d" ];
      description = "Rules that apply to every user.";
    };
    users = mkOption {
      default = { };
      description = "Rules that apply to one user.";
      type = types.attrsOf (types.submodule {
        options.rules = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = "Rules of this user.";
        };
      });
    };
  };

  config = {
    assertions = map (rule: {
      assertion = builtins.match "[[:space:]]*(#.*|[a-zA-Z][-+!=~^$?]*[[:space:]]+[^[:space:]].*)?" rule != null;
      message = "systemd.tmpfiles.rules: `${rule}' is not a rule of the form `TYPE PATH MODE USER GROUP AGE ARGUMENT'.";
    }) cfg.rules;

    environment.systemPackages = lib.filter utils.isDebianPackage cfg.packages;

    systemd.user.services.systemd-tmpfiles-setup = lib.mkIf config.systemd.user.tmpfiles.enable {
      wantedBy = [ "basic.target" ];
    };
    # Rules of one user: the manager's own service reads only those of all.
    systemd.user.services.firn-tmpfiles-of-user = lib.mkIf (config.systemd.user.tmpfiles.users != { }) {
      description = "Files and folders of this user";
      wantedBy = [ "basic.target" ];
      unitConfig.ConditionPathExists = "/etc/user-tmpfiles.d/%u.conf";
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/usr/bin/systemd-tmpfiles --user --create --remove /etc/user-tmpfiles.d/%u.conf";
      };
    };

    environment.etc =
      lib.optionalAttrs (cfg.rules != [ ]) {
        "tmpfiles.d/00-nixos.conf".text = lib.concatMapStrings (rule: rule + "\n") cfg.rules;
      }
      // lib.mapAttrs' (name: paths: {
        name = "tmpfiles.d/${name}.conf";
        value.text = linesOf paths;
      }) cfg.settings
      // lib.listToAttrs (
        map (package: {
          name = "tmpfiles.d/${lib.getName package}.conf";
          value.source = "${package}/lib/tmpfiles.d/${lib.getName package}.conf";
        }) (lib.filter (package: !utils.isDebianPackage package) cfg.packages)
      )
      // lib.optionalAttrs (config.systemd.user.tmpfiles.rules != [ ]) {
        "xdg/user-tmpfiles.d/00-nixos.conf".text =
          lib.concatMapStrings (rule: rule + "\n") config.systemd.user.tmpfiles.rules;
      }
      // lib.mapAttrs' (user: settings: {
        name = "user-tmpfiles.d/${user}.conf";
        value.text = lib.concatMapStrings (rule: rule + "\n") settings.rules;
      }) config.systemd.user.tmpfiles.users;
  };
}
