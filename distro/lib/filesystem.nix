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

  # A tree of package.nix files as a tree of packages; with `newScope` each folder is a scope of its
  # own within the one above.
  packagesFromDirectoryRecursive =
    {
      callPackage,
      directory,
      newScope ? null,
    }@arguments:
    let
      named =
        scope: name: type:
        let
          path = directory + "/${name}";
          stem = lib.strings.removeSuffix ".nix" name;
        in
        if type == "directory" then
          [
            {
              inherit name;
              value = packagesFromDirectoryRecursive (arguments // { directory = path; } // scope);
            }
          ]
        else if type == "regular" && stem != name then
          [
            {
              name = stem;
              value = scope.callPackage path { };
            }
          ]
        else
          [ ];
      members =
        scope:
        let
          entries = readDir directory;
        in
        builtins.listToAttrs (concatMap (name: named scope name entries.${name}) (attrNames entries));
    in
    if pathExists (directory + "/package.nix") then
      callPackage (directory + "/package.nix") { }
    else if newScope == null then
      members { inherit callPackage; }
    else
      lib.attrsets.recurseIntoAttrs (
        lib.customisation.makeScope newScope (
          scope: members { inherit (scope) callPackage newScope; }
        )
      );

  # A path that says it is a folder by a slash at its end is taken for one, there or not.
  resolveDefaultNix =
    path:
    if lib.strings.hasSuffix "/" (toString path) then
      path + "default.nix"
    else if pathIsDirectory path then
      path + "/default.nix"
    else
      path;
}
