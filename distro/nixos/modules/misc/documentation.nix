# Which documentation of the packages stays in the system.
#
# The manual of options is not part of a system: `firn explain` and `firn options` answer from the
# modules themselves, so nothing of it is evaluated here.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.documentation;
  switch = default: description: mkOption {
    type = types.bool;
    inherit default description;
  };
  accepted = default: switch default "Accepted for compatibility; has no effect here.";
in
{
  imports = [
    (lib.mkRenamedOptionModule [ "programs" "info" "enable" ] [ "documentation" "info" "enable" ])
    (lib.mkRenamedOptionModule [ "programs" "man" "enable" ] [ "documentation" "man" "enable" ])
    (lib.mkRenamedOptionModule [ "services" "nixosManual" "enable" ] [ "documentation" "nixos" "enable" ])
  ];

  options.documentation = {
    enable = switch true "Whether the documentation of installed packages is kept.";
    man = {
      enable = switch true "Whether manual pages are kept, and {command}`man` is there to read them.";
      generateCaches = accepted false;
      cache.enable = accepted false;
      cache.generateAtRuntime = accepted false;
      man-db.enable = switch true "Whether Debian's man-db is used.";
    };
    info.enable = switch true "Whether info pages are kept.";
    doc.enable = switch true "Whether {file}`/usr/share/doc` is kept.";
    dev.enable = switch false "Whether documentation for developers is installed.";
    nixos = {
      enable = accepted true;
      extraModules = mkOption {
        type = types.listOf types.raw;
        default = [ ];
        description = "Accepted for compatibility.";
      };
      extraModuleSources = mkOption {
        type = types.listOf (types.either types.path types.str);
        default = [ ];
        description = "Accepted for compatibility.";
      };
      options.splitBuild = accepted true;
      options.warningsAreErrors = accepted true;
      includeAllModules = accepted false;
      checkRedirects = accepted true;
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages =
      lib.optionals (cfg.man.enable && cfg.man.man-db.enable) [ pkgs.man-db ]
      ++ lib.optionals cfg.dev.enable [ pkgs.manpages-dev ];
  };
}
