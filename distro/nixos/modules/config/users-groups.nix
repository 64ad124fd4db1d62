# Accounts: users, groups, passwords, homes and subordinate ids.
#
# The declaration is turned into a list of records (users-groups.spec) that a script merges into
# /etc/{passwd,group,shadow,…} at activation, on the machine itself: numbers once given and, with
# mutable users, passwords once set are facts of the machine, not of the configuration. A clear
# password is hashed there too, by the system's crypt(3); the evaluator never sees a salt.
#
# The accounts that Debian's base-passwd and the packages' maintainer scripts would make are
# declared in debian-accounts.nix.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf mkDefault mkMerge types;
  cfg = config.users;

  # The path of a login shell: a package may say its own (passthru.shellPath); the programs of
  # Debian packages stand in /usr/bin under the package's name.
  toShellPath = shell:
    if shell == null then "/usr/sbin/nologin"
    else if types.shellPackage.check shell then "/run/current-system/sw${shell.shellPath}"
    else if lib.isDerivation shell then "/usr/bin/${shell.meta.mainProgram or shell.pname}"
    else toString shell;

  shortName = kind: name:
    if builtins.stringLength name < 32 then name
    else throw "${kind} name '${name}' is longer than 31 characters, which is not allowed";

  passwordNote = ''
    With {option}`users.mutableUsers` the declared password counts when the account is first
    created and the user may change it afterwards; without, it is set at every activation. Of
    several password options the later in this list wins: `initialHashedPassword`,
    `initialPassword`, `hashedPassword`, `password`, `hashedPasswordFile` (without mutable users
    `hashedPassword` comes before `initialPassword`).
  '';
  emptyHashNote = ''
    The empty string lets the user log in on a console without being asked for a password, for
    instance on a live system. `null` gives no password at all.
  '';

  subordinateRange = start: {
    options = {
      ${start} = mkOption {
        type = types.int;
        description = "First number of the range.";
      };
      count = mkOption {
        type = types.int;
        default = 1;
        description = "How many numbers the range has.";
      };
    };
  };

  userModule = { name, config, ... }: {
    options = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the account is made at all.";
      };
      name = mkOption {
        type = types.passwdEntry types.str;
        apply = shortName "user";
        description = "Login name; the attribute's name unless set.";
      };
      description = mkOption {
        type = types.passwdEntry types.str;
        default = "";
        example = "Alice Q. User";
        description = "The person's full name: the comment field of {file}`/etc/passwd`.";
      };
      uid = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "User number; with null a free one is chosen at activation and kept.";
      };
      isSystemUser = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether this is the account of a service. Its number is chosen below 1000. Exactly one
          of `isSystemUser` and `isNormalUser` must be true.
        '';
      };
      isNormalUser = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether this is a person's account: group `users`, a home below
          {option}`users.defaultUserHome` that is created, the default shell, a number from 1000 up.
        '';
      };
      group = mkOption {
        type = types.str;
        apply = shortName "group";
        default = "";
        description = "Primary group.";
      };
      extraGroups = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Further groups the user is in.";
      };
      home = mkOption {
        type = types.passwdEntry types.path;
        default = "/var/empty";
        description = "Home directory.";
      };
      homeMode = mkOption {
        type = types.strMatching "[0-7]{1,5}";
        default = "700";
        description = "Mode of the home directory when it is created by {option}`createHome`.";
      };
      cryptHomeLuks = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Encrypted device of the home directory; accepted for compatibility.";
      };
      pamMount = mkOption {
        type = types.attrsOf types.str;
        default = { };
        description = "Attributes for pam_mount; accepted for compatibility.";
      };
      shell = mkOption {
        type = types.nullOr (types.oneOf [ types.shellPackage types.package (types.passwdEntry types.path) ]);
        default = "/usr/sbin/nologin";
        example = lib.literalExpression "pkgs.zsh";
        description = "Login shell: a package or a path.";
      };
      ignoreShellProgramCheck = mkOption {
        type = types.bool;
        default = false;
        description = "Do not insist that the shell's program module is enabled.";
      };
      subUidRanges = mkOption {
        type = types.listOf (types.submodule (subordinateRange "startUid"));
        default = [ ];
        example = [ { startUid = 100001; count = 65534; } ];
        description = "Subordinate user numbers, written to {file}`/etc/subuid`.";
      };
      subGidRanges = mkOption {
        type = types.listOf (types.submodule (subordinateRange "startGid"));
        default = [ ];
        example = [ { startGid = 1001; count = 999; } ];
        description = "Subordinate group numbers, written to {file}`/etc/subgid`.";
      };
      autoSubUidGidRange = mkOption {
        type = types.bool;
        default = false;
        description = "Give the user a free range of 65536 subordinate numbers.";
      };
      createHome = mkOption {
        type = types.bool;
        default = false;
        description = "Create the home directory and keep its owner and mode.";
      };
      useDefaultShell = mkOption {
        type = types.bool;
        default = false;
        description = "Use {option}`users.defaultUserShell`.";
      };
      hashedPassword = mkOption {
        type = types.nullOr (types.passwdEntry types.str);
        default = null;
        description = "Password as a crypt(3) hash, as `mkpasswd` prints it.\n\n${emptyHashNote}\n${passwordNote}";
      };
      password = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = ''
          Password in clear text. Everybody can read it in the store: for public accounts only.

          ${passwordNote}
        '';
      };
      hashedPasswordFile = mkOption {
        type = types.nullOr types.str;
        default = config.passwordFile;
        defaultText = lib.literalExpression "null";
        description = "File on the machine with one line, the password's hash.\n\n${passwordNote}";
      };
      passwordFile = mkOption {
        type = types.nullOr types.str;
        default = null;
        visible = false;
        description = "Former name of {option}`hashedPasswordFile`.";
      };
      initialHashedPassword = mkOption {
        type = types.nullOr (types.passwdEntry types.str);
        default = null;
        description = "Hash of the first password.\n\n${emptyHashNote}\n${passwordNote}";
      };
      initialPassword = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "First password in clear text, to be changed by its owner.\n\n${passwordNote}";
      };
      packages = mkOption {
        type = types.listOf types.package;
        default = [ ];
        description = ''
          Packages for this user. They are installed for all, as the system has one tree.
        '';
      };
      expires = mkOption {
        type = types.nullOr (types.strMatching "[[:digit:]]{4}-[[:digit:]]{2}-[[:digit:]]{2}");
        default = null;
        description = "Date (YYYY-MM-DD) from which the account is closed; null for never.";
      };
      linger = mkOption {
        type = types.nullOr types.bool;
        default = null;
        description = ''
          Whether the user's services run without a login; null leaves it to `loginctl`.
        '';
      };
    };

    config = mkMerge [
      { name = mkDefault name; }
      (mkIf config.useDefaultShell { shell = mkDefault cfg.defaultUserShell; })
      (mkIf config.isNormalUser {
        group = mkDefault "users";
        createHome = mkDefault true;
        home = mkDefault "${cfg.defaultUserHome}/${config.name}";
        homeMode = mkDefault "700";
        useDefaultShell = mkDefault true;
        isSystemUser = mkDefault false;
      })
      (mkIf (!cfg.mutableUsers && config.initialPassword != null) {
        password = mkDefault config.initialPassword;
      })
      (mkIf (!cfg.mutableUsers && config.initialHashedPassword != null) {
        hashedPassword = mkDefault config.initialHashedPassword;
      })
      (mkIf (config.isNormalUser && config.subUidRanges == [ ] && config.subGidRanges == [ ]) {
        autoSubUidGidRange = mkDefault true;
      })
    ];
  };

  groupModule = { name, config, ... }: {
    options = {
      name = mkOption {
        type = types.passwdEntry types.str;
        description = "Name of the group; the attribute's name unless set.";
      };
      gid = mkOption {
        type = types.nullOr types.int;
        default = null;
        description = "Group number; with null a free one is chosen at activation and kept.";
      };
      members = mkOption {
        type = types.listOf (types.passwdEntry types.str);
        default = [ ];
        description = "Names of the users in the group.";
      };
    };
    config = {
      name = mkDefault name;
      members = map (user: user.name)
        (lib.filter (user: user.enable && lib.elem config.name user.extraGroups) allUsers);
    };
  };

  allUsers = builtins.attrValues cfg.users;
  users = lib.filter (user: user.enable) allUsers;
  groups = builtins.attrValues cfg.groups;
  groupNames = map (group: group.name) groups;

  # The record format that the script reads: tab between fields, "%" and controls escaped.
  escapeField = builtins.replaceStrings
    [ "%" "\t" "\n" "\r" ] [ "%25" "%09" "%0A" "%0D" ];
  record = kind: fields:
    lib.concatStringsSep "\t" ([ kind ]
      ++ lib.mapAttrsToList (key: value: escapeField "${key}=${value}")
        (lib.filterAttrs (_: value: value != null) fields));
  flag = value: if value then "1" else "0";
  number = value: if value == null then "" else toString value;
  ranges = start: list: lib.concatMapStringsSep "," (range: "${toString range.${start}}:${toString range.count}") list;

  specification = lib.concatStringsSep "\n" (
    [ (record "settings" { mutable = flag cfg.mutableUsers; }) ]
    ++ map (user: record "user" {
      inherit (user) name group home homeMode description;
      inherit (user) password hashedPassword initialPassword initialHashedPassword;
      hashedPasswordFile = if user.hashedPasswordFile == null then "" else user.hashedPasswordFile;
      uid = number user.uid;
      shell = toShellPath user.shell;
      system = flag (!user.isNormalUser);
      createHome = flag user.createHome;
      autoSub = flag user.autoSubUidGidRange;
      subUidRanges = ranges "startUid" user.subUidRanges;
      subGidRanges = ranges "startGid" user.subGidRanges;
      expires = if user.expires == null then "" else user.expires;
    }) users
    ++ map (group: record "group" {
      inherit (group) name;
      gid = number group.gid;
      members = lib.concatStringsSep "," (lib.unique group.members);
      system = "1";
    }) groups
  ) + "\n";

  # Names that share a number: { "1000" = [ "a" "b" ]; }.
  sharing = attribute: set:
    lib.filterAttrs (_: names: builtins.length names > 1)
      (lib.foldAttrs (name: names: [ name ] ++ names) [ ]
        (map (entry: { ${toString entry.${attribute}} = entry.name; })
          (lib.filter (entry: entry.${attribute} != null) set)));
  sharingText = set: lib.concatStringsSep "; "
    (lib.mapAttrsToList (number: names: "${number}: ${lib.concatStringsSep ", " names}") set);

  allowsLogin = hash: hash == "" || !(lib.elem hash [ null "!" "!!" "*" ]);
  canLogIn = user:
    (user.name == "root" || lib.elem "wheel" user.extraGroups || lib.elem user.name cfg.groups.wheel.members)
    && (allowsLogin user.hashedPassword || allowsLogin user.initialHashedPassword
      || user.password != null || user.initialPassword != null || user.hashedPasswordFile != null
      || user.openssh.authorizedKeys.keys != [ ] || user.openssh.authorizedKeys.keyFiles != [ ]);

  updateScript = pkgs.writeText "update-users-groups.pl" (builtins.readFile ./update-users-groups.pl);

  lingering = lib.filter (user: user.linger != null) users;
in

{
  imports = [
    (lib.mkAliasOptionModule [ "users" "extraUsers" ] [ "users" "users" ])
    (lib.mkAliasOptionModule [ "users" "extraGroups" ] [ "users" "groups" ])
    (lib.mkRenamedOptionModule [ "security" "initialRootPassword" ] [ "users" "users" "root" "initialHashedPassword" ])
  ];

  options.users = {
    mutableUsers = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether accounts and passwords may also be changed on the machine, with `useradd`,
        `passwd` and so on. If false, what is not declared is removed at activation (accounts
        with numbers below 1000, which packages bring, excepted), and passwords are set to what
        is declared.
      '';
    };
    enforceIdUniqueness = mkOption {
      type = types.bool;
      default = true;
      description = "Refuse two users or two groups with the same number.";
    };
    users = mkOption {
      type = types.attrsOf (types.submodule userModule);
      default = { };
      example = lib.literalExpression ''
        { alice = { isNormalUser = true; extraGroups = [ "wheel" ]; }; }
      '';
      description = "Accounts of people and services.";
    };
    groups = mkOption {
      type = types.attrsOf (types.submodule groupModule);
      default = { };
      example = { students.gid = 1001; };
      description = "Groups of accounts.";
    };
    allowNoPasswordLogin = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Allow a configuration without mutable users in which nobody could log in as root or
        become root.
      '';
    };
    defaultUserHome = mkOption {
      type = types.passwdEntry types.path;
      default = "/home";
      description = "Directory below which the homes of normal users stand.";
    };
    defaultUserShell = mkOption {
      type = types.either types.path types.package;
      default = "/bin/bash";
      example = lib.literalExpression "pkgs.zsh";
      description = "Login shell of users with `useDefaultShell`: a package or a path.";
    };
  };

  config = {
    users.users.root = {
      uid = 0;
      group = "root";
      description = mkDefault "System administrator";
      home = "/root";
      isSystemUser = true;
      shell = mkDefault cfg.defaultUserShell;
    };
    users.users.nobody = {
      uid = 65534;
      isSystemUser = true;
      description = "Unprivileged account (don't use!)";
      group = "nogroup";
      home = mkDefault "/nonexistent";
    };

    environment.systemPackages =
      [ pkgs.perl-base pkgs.passwd pkgs.login ]
      ++ lib.concatMap (user: user.packages) users
      ++ lib.filter lib.isDerivation (map (user: user.shell) users);

    environment.etc."skel/.profile" = mkDefault { source = "${pkgs.base-files}/usr/share/base-files/dot.profile"; };

    system.build.usersSpecification = pkgs.writeText "users-groups.spec" specification;

    system.activationScripts.users = {
      # /etc itself is made afterwards, since its files may belong to these accounts; the skeleton
      # of homes is taken from where it will stand.
      supportsDryActivation = true;
      text = ''
        SKELETON=${config.system.build.etc}/etc/skel /usr/bin/perl ${updateScript} ${config.system.build.usersSpecification}
        ${lib.optionalString (lingering != [ ]) ''
          mkdir -p /var/lib/systemd/linger
          ${lib.concatMapStringsSep "\n" (user:
            if user.linger then "touch /var/lib/systemd/linger/${lib.escapeShellArg user.name}"
            else "rm -f /var/lib/systemd/linger/${lib.escapeShellArg user.name}") lingering}
        ''}
      '';
    };
    # NixOS's name for "accounts exist", on which other snippets depend.
    system.activationScripts.groups = {
      deps = [ "users" ];
      text = "";
    };

    assertions =
      [
        {
          assertion = cfg.enforceIdUniqueness -> sharing "uid" users == { };
          message = "Two users have the same uid (${sharingText (sharing "uid" users)}).";
        }
        {
          assertion = cfg.enforceIdUniqueness -> sharing "gid" groups == { };
          message = "Two groups have the same gid (${sharingText (sharing "gid" groups)}).";
        }
        {
          assertion = cfg.mutableUsers || cfg.allowNoPasswordLogin || lib.any canLogIn users;
          message = ''
            Neither root nor any user of the group wheel has a password or an SSH key, and
            users.mutableUsers is false: nobody could administer this machine. Set
            users.users.root.hashedPassword, or users.users.<name>.openssh.authorizedKeys.keys, or
            users.allowNoPasswordLogin = true.
          '';
        }
      ]
      ++ lib.concatMap (user: [
        {
          assertion = (user.isNormalUser && !user.isSystemUser) || (user.isSystemUser && !user.isNormalUser) || user.uid != null && user.uid < 1000 && !user.isNormalUser;
          message = "Exactly one of users.users.${user.name}.isSystemUser and users.users.${user.name}.isNormalUser must be true.";
        }
        {
          assertion = user.group != "";
          message = ''
            users.users.${user.name}.group is unset. To give the user a group of its own:
            users.users.${user.name}.group = "${user.name}"; users.groups.${user.name} = { };
          '';
        }
        {
          assertion = user.group == "" || lib.elem user.group groupNames;
          message = "The group '${user.group}' of users.users.${user.name} is not declared: users.groups.${user.group} = { };";
        }
      ]) users;

    warnings =
      lib.concatMap (user:
        let
          set = lib.filter (key: user.${key} != null)
            [ "hashedPassword" "password" "hashedPasswordFile" "initialHashedPassword" "initialPassword" ];
          # Without mutable users the initial ones set the others by default.
          own = if cfg.mutableUsers then set
            else lib.filter (key: key != "initialHashedPassword" && key != "initialPassword") set;
        in
        lib.optional (builtins.length own > 1)
          "The user '${user.name}' has several password options (${lib.concatStringsSep ", " own}); the last in the documented order wins.") users
      ++ lib.concatMap (user:
        let
          match = if user.hashedPassword == null then null
            else builtins.match "\\$[[:alnum:]]+\\$.*|[!*].*|_?[./0-9A-Za-z]{13,}" user.hashedPassword;
        in
        lib.optional (user.hashedPassword != null && user.hashedPassword != "" && match == null)
          "The password hash of user '${user.name}' does not look like one; run mkpasswd to make it.") users;
  };
}
