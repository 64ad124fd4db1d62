# environment.etc: the files of /etc.
#
# They make one tree in the store, system.build.etc, together with the files that packages bring.  At activation /etc/static becomes a link
# to it and every file a link through that, so that switching to another system changes all of
# them in one step.  A file with a mode of its own is copied, for programs that insist on owner
# or mode; `direct-symlink` links to the source itself.
{ config, lib, pkgs, ... }:
let
  inherit (lib) attrValues concatStringsSep filter literalExpression mkOption types;

  entries = filter (f: f.enable) (attrValues config.environment.etc);

  copied = f: f.mode != "symlink" && f.mode != "direct-symlink";

  # One line per file that needs more than a link: kind, mode, owner, group, path.
  special = map (
    f:
    concatStringsSep "\t" [
      (if f.mode == "direct-symlink" then "link" else "copy")
      (if f.mode == "direct-symlink" then "-" else f.mode)
      f.user
      f.group
      f.target
    ]
  ) (filter (f: f.mode != "symlink") entries);

  # Configuration files that packages bring lie below what is declared: a declared file hides the
  # package's.
  tree = pkgs.mergeTrees {
    name = "etc";
    trees = [ declared config.system.path ];
    prefer = [ declared ];
    exclude = [
      "bin" "boot" "dev" "home" "lib" "lib32" "lib64" "libo32" "libx32" "media" "mnt" "opt" "proc"
      "root" "run" "sbin" "srv" "sys" "tmp" "usr" "var"
    ]
    ++ map (path: "etc/${path}") config.environment.etcExcludes;
  };

  declared = pkgs.writeTree {
    name = "etc-declared";
    entries =
      map (f: {
        path = "etc/${f.target}";
        type = "link";
        target = "${f.source}";
      }) entries
      ++ [
        {
          path = "special-files";
          type = "file";
          text = concatStringsSep "" (map (line: line + "\n") (lib.sort (a: b: a < b) special));
        }
      ];
  };

  twice = lib.filterAttrs (_: files: builtins.length files > 1) (
    builtins.groupBy (f: f.target) entries
  );
in
{
  imports = [
    (lib.mkAliasOptionModule [ "system" "etc" "entries" ] [ "environment" "etc" ])
  ];

  options = {
    environment.etc = mkOption {
      default = { };
      example = literalExpression ''
        {
          example-configuration-file = {
            source = "/nix/store/.../etc/dir/file.conf.example";
            mode = "0440";
          };
          "default/useradd".text = "GROUP=100 ...";
        }
      '';
      description = "Files of {file}`/etc`, by their path below it.";
      type = types.attrsOf (
        types.submodule (
          { name, config, options, ... }:
          {
            options = {
              enable = mkOption {
                type = types.bool;
                default = true;
                description = "Whether the file is made.";
              };
              target = mkOption {
                type = types.str;
                default = name;
                defaultText = literalExpression "name";
                description = "Path below {file}`/etc`; the attribute's name unless set.";
              };
              text = mkOption {
                type = types.nullOr types.lines;
                default = null;
                description = "Content of the file.";
              };
              source = mkOption {
                type = types.path;
                description = "The file to take.";
              };
              mode = mkOption {
                type = types.str;
                default = "symlink";
                example = "0600";
                description = ''
                  `symlink` makes a link, `direct-symlink` a link that does not go through
                  {file}`/etc/static`; with a mode such as 0600 the file is copied.
                '';
              };
              user = mkOption {
                type = types.str;
                default = "+${toString config.uid}";
                defaultText = literalExpression ''"+''${toString config.uid}"'';
                description = "Owner of a copied file: a name, or a number after `+`.";
              };
              group = mkOption {
                type = types.str;
                default = "+${toString config.gid}";
                defaultText = literalExpression ''"+''${toString config.gid}"'';
                description = "Group of a copied file: a name, or a number after `+`.";
              };
              uid = mkOption {
                type = types.int;
                default = 0;
                description = "Owner of a copied file as a number.";
              };
              gid = mkOption {
                type = types.int;
                default = 0;
                description = "Group of a copied file as a number.";
              };
            };

            config.source = lib.mkIf (config.text != null) (
              lib.mkDerivedConfig options.text (
                pkgs.writeText (
                  "etc-" + lib.strings.sanitizeDerivationName (baseNameOf name)
                )
              )
            );
          }
        )
      );
    };

    environment.etcExcludes = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "cron.d" "default/*" ];
      description = ''
        Configuration files of packages that are not to appear in {file}`/etc`: paths below it, in
        which `*` stands for any name.
      '';
    };

    system.etc.overlay = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Accepted for compatibility: {file}`/etc` is always made of links here.";
      };
      mutable = mkOption {
        type = types.bool;
        default = true;
        description = "Accepted for compatibility.";
      };
    };
  };

  config = {
    assertions = [
      {
        assertion = !config.system.etc.overlay.enable;
        message = "system.etc.overlay.enable is set, but /etc is made of links to the store here: leave it out.";
      }
    ]
    ++ lib.mapAttrsToList (target: files: {
      assertion = false;
      message = "Two or more entries of environment.etc have the same target `${target}'.";
    }) twice
    ++ map (f: {
      assertion = builtins.match "[0-7]{3,4}|symlink|direct-symlink" f.mode != null;
      message = "environment.etc.${lib.strings.escapeNixIdentifier f.target}.mode is `${f.mode}', but it has to be symlink, direct-symlink or an octal mode.";
    }) entries;

    system.build.etc = tree;

    # The program that makes /etc of a tree; it runs from any system's activation.
    system.build.setupEtc = pkgs.writeTextFile {
      name = "setup-etc";
      executable = true;
      text = builtins.readFile ./setup-etc.pl;
    };

    system.build.etcActivationCommands = ''
      ${config.system.build.setupEtc} ${tree}
    '';

    system.activationScripts.etc = lib.stringAfter [ "var" "users" "groups" ] config.system.build.etcActivationCommands;

    environment.systemPackages = [ pkgs.perl-base ];
  };
}
