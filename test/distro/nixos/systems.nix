# The system as a whole: /etc, activation, specialisations, checks.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  config = configuration: (evaluate [ configuration ]).config;
  inherit (lib) hasInfix;
  # Where one text stands in another, for orders.
  before = a: b: text: lib.length (lib.splitString a (lib.head (lib.splitString b text))) > 1;
in
{
  etcText = {
    expr = lib.hasPrefix "/nix/store/" (toString (config { environment.etc.motd.text = "hi"; }).environment.etc.motd.source);
    expected = true;
  };
  etcTextJoined = {
    expr = (evaluate [ { environment.etc.x.text = lib.mkAfter "b"; } { environment.etc.x.text = "a"; } ]).config.environment.etc.x.text;
    expected = "a\nb";
  };
  etcOwner = {
    expr = let e = (config { environment.etc.x = { text = ""; mode = "0600"; uid = 7; }; }).environment.etc.x; in [ e.user e.group e.target ];
    expected = [ "+7" "+0" "x" ];
  };
  etcTwice = {
    expr = (config { environment.etc = { a = { text = ""; target = "x"; }; b = { text = ""; target = "x"; }; }; }).system.build.toplevel.drvPath;
    expectedError = "Two or more entries of environment.etc have the same target `x'.";
  };
  etcWrongMode = {
    expr = (config { environment.etc.a = { text = ""; mode = "rw"; }; }).system.build.toplevel.drvPath;
    expectedError = "environment.etc.a.mode is `rw'";
  };
  allAssertionsAtOnce = {
    expr = (config { assertions = [ { assertion = false; message = "first"; } { assertion = true; message = "fine"; } { assertion = false; message = "second"; } ]; }).system.build.toplevel.drvPath;
    expectedError = [ "Failed assertions:" "- first" "- second" ];
  };
  activationOrder = {
    expr =
      let
        script = (config {
          system.activationScripts = {
            a = { deps = [ "z" ]; text = "echo A"; };
            z = "echo Z";
          };
        }).system.activationScripts.script;
      in
      [ (before "echo Z" "echo A" script) (hasInfix "ln -sfn \"$systemConfig\" /run/current-system" script) ];
    expected = [ true true ];
  };
  activationMissing = {
    expr = (config { system.activationScripts.a = { deps = [ "nowhere" ]; text = ""; }; }).system.activationScripts.script;
    expectedError = "The piece `nowhere' does not exist, but `a' depends on it";
  };
  dryActivation = {
    expr =
      let
        script = (config {
          system.activationScripts.loud = { text = "echo LOUD"; supportsDryActivation = true; };
          system.activationScripts.quiet = "echo QUIET";
        }).system.dryActivationScript;
      in
      [ (hasInfix "LOUD" script) (hasInfix "QUIET" script) (hasInfix "current-system" script) ];
    expected = [ true false false ];
  };
  specialisation = {
    expr =
      let
        c = config { environment.etc.x.text = "plain"; specialisation.other.configuration.environment.etc.x.text = lib.mkForce "other"; };
        other = c.specialisation.other.configuration;
      in
      [ c.environment.etc.x.text other.environment.etc.x.text other.isSpecialisation other.system.nixos.tags ];
    expected = [ "plain" "other" true [ "other" ] ];
  };
  names = {
    expr = let c = config { networking.hostName = "box"; }; in [ c.system.build.toplevel.name c.system.nixos.label ];
    expected = [ "nixos-system-box-26.11.debian13" "26.11.debian13" ];
  };
  osRelease = {
    expr = map (line: hasInfix line (config { system.nixos.variant_id = "installer"; }).environment.etc.os-release.text) [ "ID=firn\n" "ID_LIKE=debian\n" "VERSION_ID=26.11\n" "VARIANT_ID=installer\n" "DEBIAN_CODENAME=trixie\n" ];
    expected = [ true true true true true ];
  };
  switching = {
    expr = map (set: builtins.length (config set).warnings) [ { system.switch.enable = false; } { system.switch.enable = true; } ];
    expected = [ 0 1 ];
  };
  upgradingItself = {
    expr = (config { system.autoUpgrade.enable = true; }).system.build.toplevel.drvPath;
    expectedError = "a machine cannot upgrade itself here";
  };
  hostPlatform = { expr = (config { nixpkgs.hostPlatform = "aarch64-linux"; }).nixpkgs.hostPlatform.isAarch64; expected = true; };
  wrongStateVersion = { expr = (config { system.stateVersion = "unstable"; }).system.build.toplevel.drvPath; expectedError = "system.stateVersion is `unstable'"; };
  extraArguments = {
    expr = ((evaluate [ ({ modulesPath, ... }: { environment.etc.x.text = toString (builtins.pathExists (modulesPath + "/module-list.nix")); }) ]).config).environment.etc.x.text;
    expected = "1";
  };
}
