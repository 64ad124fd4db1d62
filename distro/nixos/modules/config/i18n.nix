# Locales.
#
# C.UTF-8 is part of Debian's libc and always there; it is the default. Other locales come ready
# made from Debian's locales-all, of which only the wanted ones go into the system: nothing is
# compiled by localedef.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.i18n;

  withoutCharset = locale: builtins.head (lib.splitString "/" locale);
  builtIn = locale: lib.elem (lib.toLower (withoutCharset locale)) [ "c" "posix" "c.utf-8" "c.utf8" ];

  known = import ./locales.nix;
  # de_DE.UTF-8 stands in the directory de_DE.utf8, en_IN.UTF-8 in en_IN: it has no other charset.
  directoryOf =
    locale:
    let
      full = lib.replaceStrings [ "UTF-8" "utf-8" "UTF8" ] [ "utf8" "utf8" "utf8" ] (withoutCharset locale);
      bare = lib.replaceStrings [ ".utf8" ] [ "" ] full;
    in
    if !(lib.elem full known) && lib.elem bare known then bare else full;
  isKnown = locale: builtIn locale || lib.elem (directoryOf locale) known;
  written = map (lib.replaceStrings [ ".utf8" ] [ ".UTF-8" ]) known;
  localeName = types.addCheck types.str isKnown // {
    description = "name of one of glibc's locales";
    knownNames = written;
  };

  aggregated =
    [ "${cfg.defaultLocale}/${cfg.defaultCharset}" ]
    ++ lib.mapAttrsToList (category: locale: "${locale}/${cfg.localeCharsets.${category} or "UTF-8"}")
      (builtins.removeAttrs cfg.extraLocaleSettings [ "LANGUAGE" ])
    ++ (if builtins.isList cfg.extraLocales then cfg.extraLocales else [ cfg.extraLocales ]);
  wanted = lib.unique (lib.filter (locale: !(builtIn locale)) cfg.supportedLocales);
  all = lib.elem "all" cfg.supportedLocales;
in

{
  options.i18n = {
    glibcLocales = mkOption {
      type = types.nullOr types.path;
      default =
        if wanted == [ ] then null
        else if all then pkgs.locales-all
        else pkgs.writeTree {
          name = "locales";
          entries = map (locale: {
            path = "usr/lib/locale/${directoryOf locale}";
            source = "${pkgs.locales-all}/usr/lib/locale/${directoryOf locale}";
            # Locales share equal parts by links to each other.
            followLinks = true;
          }) wanted;
        };
      defaultText = lib.literalMD "the wanted locales of Debian's locales-all";
      description = "Package with the compiled locales; null for none besides C.UTF-8.";
    };
    defaultLocale = mkOption {
      type = localeName;
      default = "C.UTF-8";
      example = "nl_NL.UTF-8";
      description = ''
        Language of messages, format of dates, sort order and so on. The default differs from
        NixOS's en_US.UTF-8: C.UTF-8 needs no further package.
      '';
    };
    defaultCharset = mkOption {
      type = types.str;
      default = "UTF-8";
      example = "ISO-8859-8";
      description = "Character set of the default locale.";
    };
    extraLocales = mkOption {
      type = types.either (types.listOf types.str) (types.enum [ "all" ]);
      default = [ ];
      example = [ "nl_NL.UTF-8/UTF-8" ];
      description = "Further locales the system supports, or \"all\".";
    };
    extraLocaleSettings = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = { LC_MESSAGES = "en_US.UTF-8"; LC_TIME = "de_DE.UTF-8"; };
      description = "Locale variables besides `LANG`.";
    };
    localeCharsets = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Character sets of {option}`i18n.extraLocaleSettings` that are not UTF-8.";
    };
    supportedLocales = mkOption {
      type = types.listOf types.str;
      visible = false;
      default = lib.unique ([ "C.UTF-8/UTF-8" ] ++ aggregated);
      example = [ "en_US.UTF-8/UTF-8" ];
      description = "All locales the system supports; \"all\" for every one.";
    };
    imperativeLocale = lib.mkEnableOption "setting the locale on the machine with localectl";
  };

  config = {
    assertions = map (locale: {
      assertion = cfg.glibcLocales == null || all || isKnown locale;
      message = "i18n: there is no locale '${locale}' in Debian's locales-all.";
    }) wanted;

    warnings = lib.optional (!all && !(lib.all (locale: builtIn locale || lib.elem locale cfg.supportedLocales) aggregated)) ''
      i18n.supportedLocales lacks a locale that i18n.defaultLocale, i18n.extraLocales or
      i18n.extraLocaleSettings asks for; set i18n.extraLocales instead of i18n.supportedLocales.
    '';

    # Without another locale nothing reads the translations.
    environment.systemTreeExcludes = lib.optionals (wanted == [ ]) [
      "usr/share/locale/*/LC_*"
      "usr/share/man/??"
      "usr/share/man/??_*"
    ];

    environment.systemPackages = lib.optional (cfg.glibcLocales != null) cfg.glibcLocales;

    environment.sessionVariables = lib.optionalAttrs (!cfg.imperativeLocale)
      ({ LANG = cfg.defaultLocale; } // cfg.extraLocaleSettings);

    environment.etc = lib.mkIf (!cfg.imperativeLocale) {
      "locale.conf".text = "LANG=${cfg.defaultLocale}\n"
        + lib.concatStrings (lib.mapAttrsToList (name: value: "${name}=${value}\n") cfg.extraLocaleSettings);
      # Debian's own name for it, which its PAM files and start scripts read.
      "default/locale".source = "/etc/locale.conf";
    };
  };
}
