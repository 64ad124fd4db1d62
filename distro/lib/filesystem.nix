# Files and directories, seen at evaluation time.
{ lib }:
let
  inherit (builtins) attrNames concatMap filter map mapAttrs match pathExists readDir toString;
in
rec {
  inherit (builtins) baseNameOf dirOf hashFile isPath readDir;

  pathType =
    builtins.readFileType or (
      path:
      if !pathExists path then
        throw "pathType: `${toString path}' does not exist"
      else if dirOf path == path then
        "directory"
      else
        (readDir (dirOf path)).${baseNameOf path}
    );
  readFileType = pathType;
  pathIsDirectory = path: pathExists path && pathType path == "directory";
  pathIsRegularFile = path: pathExists path && pathType path == "regular";

  # All regular files below a directory.
  listFilesRecursive =
    directory:
    let
      entries = readDir directory;
    in
    concatMap (
      name:
      let
        path = directory + "/${name}";
      in
      if entries.${name} == "directory" then listFilesRecursive path else [ path ]
    ) (attrNames entries);

  # The nearest directory, upwards, that has an entry matching the pattern.
  locateDominatingFile =
    pattern: start:
    let
      go =
        directory:
        let
          found = filter (m: m != null) (map (match "(${pattern})") (attrNames (readDir directory)));
        in
        if found != [ ] then
          {
            path = directory;
            matches = found;
          }
        else if dirOf directory == directory then
          null
        else
          go (dirOf directory);
      base = if pathIsDirectory start then start else dirOf start;
    in
    go base;

  haskellPathsInDir =
    root:
    lib.attrsets.filterAttrs (_: path: path != null) (
      mapAttrs (
        name: type:
        if type == "directory" && pathExists (root + "/${name}/${name}.cabal") then
          root + "/${name}"
        else
          null
      ) (readDir root)
    );

  # A tree of package.nix files as a tree of packages.
  packagesFromDirectoryRecursive =
    {
      callPackage,
      directory,
      newScope ? null,
    }:
    let
      asPackage = directory + "/package.nix";
      entries = readDir directory;
      named =
        name: type:
        let
          path = directory + "/${name}";
          stem = lib.strings.removeSuffix ".nix" name;
        in
        if type == "directory" then
          [
            {
              inherit name;
              value = packagesFromDirectoryRecursive {
                inherit callPackage;
                directory = path;
              };
            }
          ]
        else if type == "regular" && stem != name then
          [
            {
              name = stem;
              value = callPackage path { };
            }
          ]
        else
          [ ];
    in
    if pathExists asPackage then
      callPackage asPackage { }
    else
      builtins.listToAttrs (concatMap (name: named name entries.${name}) (attrNames entries));

  resolveDefaultNix = path: if pathIsDirectory path then path + "/default.nix" else path;
}
