# The environment of login sessions, set by PAM before any shell runs.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.environment;

  relative = lib.mapAttrs
    (_: suffixes: lib.concatMap (profile: map (suffix: profile + suffix) suffixes) cfg.profiles)
    cfg.profileRelativeSessionVariables;
  combined = lib.zipAttrsWith (_: lib.concatLists) [
    { PATH = [ config.security.wrapperDir ]; }
    (lib.mapAttrs (_: value: [ value ]) cfg.sessionVariables)
    relative
  ];

  # pam_env(8) knows no shell syntax: the home and the user's name have its own notation.
  forPam = builtins.replaceStrings [ "$HOME" "$USER" ] [ "@{HOME}" "@{PAM_USER}" ];
in

{
  options.environment = {
    sessionVariables = mkOption {
      default = { };
      description = ''
        Environment variables of login sessions, set early by PAM, and of shells. Values may not
        contain a double quote.
      '';
      inherit (options.environment.variables) type apply;
    };
    profileRelativeSessionVariables = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      example = { PATH = [ "/bin" ]; };
      description = ''
        Path variables of sessions: each suffix is appended to each of
        {option}`environment.profiles`.
      '';
    };
  };

  config.environment.etc."pam/environment".text =
    lib.concatStrings (lib.mapAttrsToList
      (name: values: ''${name}   DEFAULT="${forPam (lib.concatStringsSep ":" values)}"'' + "\n") combined);
}
