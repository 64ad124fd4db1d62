# The package set that modules receive as `pkgs`.
{ config, lib, options, ... }:
let
  inherit (lib) literalExpression mkOption types;
  cfg = config.nixpkgs;
  opt = options.nixpkgs;

  optionDefaultPriority = 1500;

  # Configurations may be functions of pkgs; merging makes one function of them.
  configType = lib.mkOptionType {
    name = "nixpkgs-config";
    description = "nixpkgs config";
    check = value: builtins.isAttrs value || lib.isFunction value;
    merge =
      _: defs:
      let
        resolve = arguments: value: if lib.isFunction value then value arguments else value;
        join =
          a: b:
          lib.recursiveUpdate a b
          // lib.optionalAttrs (a ? packageOverrides && b ? packageOverrides) {
            packageOverrides = pkgs: a.packageOverrides pkgs // b.packageOverrides pkgs;
          }
          // lib.optionalAttrs (a ? allowUnfreePredicate && b ? allowUnfreePredicate) {
            allowUnfreePredicate = package: a.allowUnfreePredicate package || b.allowUnfreePredicate package;
          };
        values = map (d: d.value) defs;
      in
      if lib.any lib.isFunction values then
        arguments: builtins.foldl' join { } (map (resolve arguments) values)
      else
        builtins.foldl' join { } values;
  };

  overlayType = lib.mkOptionType {
    name = "nixpkgs-overlay";
    description = "nixpkgs overlay";
    check = lib.isFunction;
    merge = lib.mergeOneOption;
  };

  platform = lib.mkOptionType {
    name = "platform";
    description = "platform: a system name such as \"x86_64-linux\", or a set with `system'";
    check = value: builtins.isString value || builtins.isAttrs value;
    merge = lib.mergeEqualOption;
  };

  isSet = option: option.isDefined && option.highestPrio < optionDefaultPriority;
  hostSystem = if opt.hostPlatform.isDefined then cfg.hostPlatform.system else cfg.system;

  pkgs =
    if opt.pkgs.isDefined then
      if cfg.overlays == [ ] then cfg.pkgs else cfg.pkgs.appendOverlays cfg.overlays
    else
      import ../../.. (
        {
          system = hostSystem;
          inherit (cfg) config overlays;
        }
        // lib.optionalAttrs (cfg.debian != null) { inherit (cfg) debian; }
      );
in
{
  options.nixpkgs = {
    pkgs = mkOption {
      type = types.pkgs;
      example = literalExpression "import <firn> { }";
      description = ''
        The package set to use. It takes the place of the one made from {option}`nixpkgs.config`
        and the platform; {option}`nixpkgs.overlays` are applied to it.
      '';
    };
    config = mkOption {
      type = configType;
      default = { };
      example = literalExpression "{ allowUnfree = true; }";
      description = ''
        Settings of the package set: `allowUnfree` and `allowUnfreePredicate` let packages of
        Debian's non-free area in.
      '';
    };
    overlays = mkOption {
      type = types.listOf overlayType;
      default = [ ];
      example = literalExpression "[ (final: prev: { editor = final.nano; }) ]";
      description = "Changes to the package set, applied in order: functions of its final and its former state.";
    };
    debian = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = literalExpression "inputs.debian";
      description = ''
        The channel that packages come from: a folder that Firn makes of the state of Debian's
        archive. If null, it is `<debian>` on the search path, which Firn provides.
      '';
    };
    hostPlatform = mkOption {
      type = platform;
      example = "x86_64-linux";
      apply = lib.systems.elaborate;
      description = "The platform the system runs on.";
    };
    buildPlatform = mkOption {
      type = platform;
      default = cfg.hostPlatform;
      defaultText = literalExpression "config.nixpkgs.hostPlatform";
      apply = lib.systems.elaborate;
      description = "Accepted for compatibility: Debian's packages are built already, and images are assembled on any platform.";
    };
    localSystem = mkOption {
      type = types.attrs;
      default = { inherit (cfg) system; };
      apply = lib.systems.elaborate;
      description = "Former name of {option}`nixpkgs.buildPlatform`.";
    };
    crossSystem = mkOption {
      type = types.nullOr types.attrs;
      default = null;
      description = "Former way to give a platform other than the build's; use {option}`nixpkgs.hostPlatform`.";
    };
    system = mkOption {
      type = types.str;
      example = "aarch64-linux";
      description = "The platform the system runs on, unless {option}`nixpkgs.hostPlatform` says it.";
    };
  };

  config = {
    _module.args.pkgs = pkgs;
    nixpkgs.hostPlatform = lib.mkIf (opt.system.isDefined || cfg.crossSystem != null) (
      lib.mkOptionDefault (if cfg.crossSystem != null then cfg.crossSystem else cfg.system)
    );

    assertions = [
      {
        assertion = !(opt.pkgs.isDefined && isSet opt.pkgs && isSet opt.config && cfg.config != { });
        message = ''
          Both nixpkgs.pkgs and nixpkgs.config are set, but the configuration has no effect on a
          package set that is given. Give the configuration where the set is made.

          nixpkgs.config is set in ${lib.options.showFiles opt.config.files}.
        '';
      }
    ];
  };
}
