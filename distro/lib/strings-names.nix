# Names of packages and files, versions, search paths (part of `lib.strings`).
{ lib }:
let
  inherit (builtins)
    compareVersions concatStringsSep elemAt filter head isString length map match parseDrvName
    replaceStrings split stringLength substring
    ;
in
rec {
  # Versions, compared as Nix compares them.
  versionOlder = a: b: compareVersions b a == 1;
  versionAtLeast = a: b: !versionOlder a b;

  getName = x: if isString x then (parseDrvName x).name else x.pname or (parseDrvName x.name).name;
  getVersion =
    x: if isString x then (parseDrvName x).version else x.version or (parseDrvName x.name).version;

  # The name of what a URL points to, up to the given separator.
  nameFromURL =
    url: sep:
    let
      file = lib.lists.last (lib.strings.splitString "/" url);
      name = head (lib.strings.splitString sep file);
    in
    if name == file then
      throw "nameFromURL: `${file}' does not contain `${sep}'"
    else
      name;

  # Any string as an allowed name of a derivation: foreign characters become dashes.
  sanitizeDerivationName =
    s:
    let
      text = builtins.unsafeDiscardStringContext (toString s);
      withoutDots = head (match "\\.*(.*)" text);
      dashed = concatStringsSep "" (
        map (piece: if isString piece then piece else "-") (
          split "[^[:alnum:]+._?=-]+" withoutDots
        )
      );
      size = stringLength dashed;
      end = substring (if size > 207 then size - 207 else 0) (-1) dashed;
    in
    if stringLength text <= 207 && match "[[:alnum:]+_?=-][[:alnum:]+._?=-]*" text != null then
      text
    else if end == "" then
      "unknown"
    else
      end;

  normalizePath =
    path:
    let
      text = toString path;
      parts = filter (piece: isString piece) (split "//+" text);
    in
    concatStringsSep "/" parts;

  # Colon-separated search paths over packages.
  makeSearchPath =
    subdirectory: packages:
    concatStringsSep ":" (map (p: "${p}/${subdirectory}") (filter (p: p != null) packages));
  makeSearchPathOutput =
    output: subdirectory: packages:
    makeSearchPath subdirectory (map (lib.attrsets.getOutput output) packages);
  makeLibraryPath = packages: makeSearchPath "lib" (map lib.attrsets.getLib packages);
  makeIncludePath = makeSearchPathOutput "dev" "include";
  makeBinPath = makeSearchPathOutput "bin" "bin";
}
