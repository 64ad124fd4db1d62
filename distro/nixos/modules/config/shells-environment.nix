# What every shell gets: variables, aliases and start-up code, in the shell-independent form from
# which the modules of the single shells build their files.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption mkIf types;
  cfg = config.environment;

  variableType = types.attrsOf (types.nullOr (types.oneOf [
    (types.listOf (types.oneOf [ types.int types.str types.path ]))
    types.int
    types.str
    types.path
  ]));
  toText = value: if builtins.isPath value then "${value}" else toString value;
  applyVariables = variables:
    lib.mapAttrs (_: value: if builtins.isList value then lib.concatMapStringsSep ":" toText value else toText value)
      (lib.filterAttrs (_: value: value != null) variables);

  # Path-like variables: absolute entries, then each profile with each suffix.
  inProfiles = suffixes: lib.concatMap (profile: map (suffix: profile + suffix) suffixes) cfg.profiles;
  exported = lib.zipAttrsWith (_: lib.concatLists) [
    (lib.mapAttrs (_: value: [ value ]) cfg.variables)
    (lib.mapAttrs (_: inProfiles) cfg.profileRelativeEnvVars)
  ];

  toShellPath = shell:
    if types.shellPackage.check shell then "/run/current-system/sw${shell.shellPath}"
    else if lib.isDerivation shell then "/usr/bin/${shell.meta.mainProgram or shell.pname}"
    else toString shell;

  lines = description: mkOption {
    type = types.lines;
    default = "";
    inherit description;
  };
in

{
  options.environment = {
    shell.enable = mkOption {
      type = types.bool;
      default = true;
      internal = true;
      description = "Whether the environment of shells is set up at all.";
    };
    variables = mkOption {
      type = variableType;
      default = { };
      example = { EDITOR = "nano"; };
      apply = applyVariables;
      description = ''
        Environment variables of shells. A list is joined by colons; null leaves the variable out.
      '';
    };
    profiles = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Directories with `bin`, `share` and so on that path variables point into.";
    };
    profileRelativeEnvVars = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      example = { PATH = [ "/bin" ]; };
      description = "Path variables of shells: each suffix is appended to each profile.";
    };
    extraInit = lines "Code that shells run after the variables are set, in plain sh.";
    shellInit = lines "Code that every shell runs, in plain sh.";
    loginShellInit = lines "Code that login shells run, in plain sh.";
    interactiveShellInit = lines "Code that interactive shells run, in plain sh.";
    shellAliases = mkOption {
      type = types.attrsOf (types.nullOr (types.either types.str types.path));
      default = { };
      example = { l = null; ll = "ls -l"; };
      description = "Aliases in all shells; null takes one away.";
    };
    homeBinInPath = mkOption {
      type = types.bool;
      default = false;
      description = "Whether {file}`~/bin` is in `PATH`.";
    };
    localBinInPath = mkOption {
      type = types.bool;
      default = false;
      description = "Whether {file}`~/.local/bin` is in `PATH`.";
    };
    binsh = mkOption {
      type = types.nullOr types.path;
      default = "/usr/bin/dash";
      visible = false;
      description = ''
        What {file}`/bin/sh` is: a file of the tree; Debian's scripts expect dash or bash.
      '';
    };
    shells = mkOption {
      type = types.listOf (types.oneOf [ types.shellPackage types.package types.path ]);
      default = [ ];
      example = lib.literalExpression "[ pkgs.zsh ]";
      description = "Permitted login shells; {file}`/bin/sh` always is.";
    };
  };

  config = mkIf cfg.shell.enable {
    environment.variables = cfg.sessionVariables;
    environment.profileRelativeEnvVars = cfg.profileRelativeSessionVariables;

    environment.shellAliases = lib.mapAttrs (_: lib.mkDefault) {
      ls = "ls --color=tty";
      ll = "ls -l";
      l = "ls -alh";
    };

    environment.systemTreeLinks."usr/bin/sh" = mkIf (cfg.binsh != null)
      (if cfg.binsh == "/usr/bin/dash" then lib.mkDefault "dash" else toString cfg.binsh);

    environment.etc.shells.text = ''
      # Permitted login shells, from environment.shells.
      ${lib.concatStringsSep "\n" (lib.unique (map toShellPath cfg.shells))}
      /bin/sh
    '';

    environment.etc.set-environment.source = config.system.build.setEnvironment;
    system.build.setEnvironment = pkgs.writeText "set-environment" ''
      # The environment of all shells; made from the configuration.
      export __NIXOS_SET_ENVIRONMENT_DONE=1
      ${lib.concatStringsSep "\n" (lib.mapAttrsToList
        (name: values: ''export ${name}="${lib.concatStringsSep ":" values}"'') exported)}
      ${cfg.extraInit}
      ${lib.optionalString cfg.homeBinInPath ''export PATH="$HOME/bin:$PATH"''}
      ${lib.optionalString cfg.localBinInPath ''export PATH="$HOME/.local/bin:$PATH"''}
    '';
  };
}
