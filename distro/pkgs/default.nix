# Assembles the package set: Debian's packages, then our functions over them, then overlays.
#
# The set is a fixed point: every function takes packages from the finished set, so that an overlay
# that replaces a package is seen by closures and by other packages.  No Debian package name has a
# capital letter, and those of our lower-case names are checked by the tests not to be Debian's.
{
  system,
  config,
  debian,
  overlays,
}@arguments:
let
  lib = import ../lib;

  # Images are always of Linux, whatever evaluates them.
  linuxSystem = builtins.replaceStrings [ "-darwin" ] [ "-linux" ] system;

  channel = import ./debian/channel.nix { inherit debian; system = linuxSystem; };

  base =
    pkgs:
    let
      debianPackages = import ./debian { inherit lib channel config pkgs; };
      take = function: builtins.intersectAttrs (builtins.functionArgs function);
      callFile =
        file:
        let
          function = import file;
        in
        function (take function { inherit lib pkgs; });
      evaluated = if builtins.isFunction config then config { inherit pkgs; } else config;
    in
    callFile ./aliases.nix
    // debianPackages.main
    // callFile ./build-support
    // callFile ./images
    // callFile ./linux.nix
    // {
      inherit lib overlays;
      inherit (debianPackages) debian backports;
      config = evaluated;
      formats = callFile ./formats;
      system = linuxSystem;
      path = ../.;
      pkgs = pkgs;
      callPackage = pkgs.newScope { };
      newScope =
        scope: function: extra:
        let
          resolved = if builtins.isFunction function then function else import function;
        in
        resolved (take resolved pkgs // take resolved scope // extra);
      extend = overlay: import ./. (arguments // { overlays = overlays ++ [ overlay ]; });
      appendOverlays = more: import ./. (arguments // { overlays = overlays ++ more; });
      recurseIntoAttrs = attrs: attrs // { recurseForDerivations = true; };
    };

  applyOverlays =
    function: overlay: self:
    let
      previous = function self;
    in
    previous // overlay self previous;

  # Not a recursive set: only what is asked for is made.
  fix =
    function:
    let
      self = function self;
    in
    self;
in
fix (builtins.foldl' applyOverlays base overlays)
