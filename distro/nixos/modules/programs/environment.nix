# The usual variables and profiles of a system.
{ config, lib, ... }:

let
  inherit (lib) mkDefault;
in

{
  config = {
    environment.variables = {
      NIXPKGS_CONFIG = "/etc/nix/nixpkgs-config.nix";
      PAGER = mkDefault "less";
      EDITOR = mkDefault "nano";
    };

    # Wrappers come first (shells inherit or rebuild PATH from this list).
    environment.extraInit = lib.mkAfter ''
      export PATH="${config.security.wrapperDir}:$PATH"
    '';

    environment.profiles = lib.mkAfter [ "/nix/var/nix/profiles/default" "/run/current-system/sw" ];

    environment.profileRelativeSessionVariables = {
      PATH = [ "/bin" "/sbin" ];
      INFOPATH = [ "/share/info" ];
      XDG_CONFIG_DIRS = [ "/etc/xdg" ];
      XDG_DATA_DIRS = [ "/share" ];
      TERMINFO_DIRS = [ "/share/terminfo" ];
    };

    environment.sessionVariables.XDG_CONFIG_DIRS = [ "/etc/xdg" ];
    # Debian's programs name each other below /usr and /usr/local.
    environment.sessionVariables.PATH = lib.mkAfter [ "/usr/local/sbin" "/usr/local/bin" ];
  };
}
