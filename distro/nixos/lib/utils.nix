# Functions for modules, given to them as the argument `utils`.
{
  lib,
  config,
  pkgs,
}:
let
  inherit (builtins)
    any concatStringsSep elem filter genList head isAttrs isFloat isInt isList isString map match
    replaceStrings stringLength substring toString
    ;
  inherit (lib) hasPrefix removePrefix removeSuffix;

  # Characters that stay as they are in a unit's name.
  plain = lib.stringToCharacters "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
  isPlain = lib.genAttrs plain (_: true);
  hexOf = c: lib.toLower (lib.fixedWidthString 2 "0" (lib.toHexString (lib.charToInt c)));
  escapeCharacter = c: if c == "/" then "-" else if isPlain ? ${c} then c else "\\x${hexOf c}";

  utils = rec {
    # Mount points that the first stage of booting must have.
    pathsNeededForBoot = [
      "/" "/nix" "/nix/store" "/var" "/var/log" "/var/lib" "/var/lib/nixos" "/etc" "/usr"
    ];
    fsNeededForBoot = fs: fs.neededForBoot || elem fs.mountPoint pathsNeededForBoot;

    # Whether file system `a` must be mounted before `b`.
    fsBefore =
      a: b:
      let
        folder = path: (removeSuffix "/" path) + "/";
        below = path: other: hasPrefix (folder path) (folder other) && path != other;
      in
      a.mountPoint != b.mountPoint
      && (
        below a.mountPoint b.mountPoint
        || (b.device or null != null && below a.mountPoint b.device)
        || any (path: a.mountPoint == path || below a.mountPoint path) (b.depends or [ ])
      );

    # A path as systemd writes it in unit names: /dev/disk/by-label/x → dev-disk-by\x2dlabel-x.
    escapeSystemdPath =
      path:
      let
        parts = filter (part: part != "" && part != ".") (lib.splitString "/" (toString path));
        joined = concatStringsSep "/" parts;
        first = substring 0 1 joined;
        rest = substring 1 (-1) joined;
      in
      if any (part: part == "..") parts then
        throw "escapeSystemdPath: `${toString path}' goes upwards (`..')"
      else if joined == "" then
        "-"
      else
        (if first == "." then "\\x2e" else escapeCharacter first) + lib.stringAsChars escapeCharacter rest;

    # One argument of an Exec line of systemd, never expanded.
    escapeSystemdExecArg =
      argument:
      let
        text =
          if lib.isPath argument || isString argument || lib.isDerivation argument then
            "${argument}"
          else if isInt argument || isFloat argument then
            toString argument
          else
            throw "escapeSystemdExecArg: a path, a string or a number is wanted, but ${lib.options.withArticle (builtins.typeOf argument)} was given";
      in
      replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON text);
    escapeSystemdExecArgs = lib.concatMapStringsSep " " escapeSystemdExecArg;

    # The path of a login shell.
    toShellPath =
      shell:
      if lib.types.shellPackage.check shell then
        "/run/current-system/sw${shell.shellPath}"
      else if lib.types.package.check shell then
        throw "${toString shell} is not a shell package: it does not say where its program is (shellPath)"
      else
        shell;

    # Packages without those of the given ones' names.
    removePackagesByName =
      packages: unwanted:
      let
        names = map lib.getName unwanted;
      in
      filter (package: !elem (lib.getName package) names) packages;
    disablePackageByName = package: packages: removePackagesByName packages [ package ] == packages;

    # Debian's packages find their libraries below /usr only: what runs one must have it in the
    # system's tree.
    isDebianPackage = package: isAttrs package && package ? reference;

    systemdUtils = {
      lib = import ./systemd-lib.nix { inherit lib config pkgs utils; };
      unitOptions = import ./systemd-unit-options.nix {
        inherit lib;
        systemdLib = utils.systemdUtils.lib;
      };
      types = import ./systemd-types.nix {
        inherit lib;
        systemdUtils = utils.systemdUtils;
      };
    };
  };
in
utils
