# Trees: made of entries, merged from other trees, or of links to them.
{ pkgs, builtinDerivation }:
let
  inherit (builtins)
    attrNames
    concatMap
    isAttrs
    isList
    map
    ;

  # A tree of given entries: { path, type = "file" | "directory" | "link", text | source | target,
  # mode }.  `entries` is a list of them, or a set of them by path.
  writeTree =
    {
      name,
      entries,
      meta ? { },
      passthru ? { },
    }:
    builtinDerivation {
      inherit name meta passthru;
      builder = "builtin:write-tree";
      entries = map normaliseEntry (
        if isList entries then
          entries
        else
          map (path: { inherit path; } // entries.${path}) (attrNames entries)
      );
    };

  # Sources become store paths as text, which is what reaches the builder as JSON.
  normaliseEntry =
    entry:
    {
      type =
        if entry ? target then
          "link"
        else if entry ? text || entry ? source then
          "file"
        else
          "directory";
    }
    // entry
    // (if entry ? source then { source = "${entry.source}"; } else { })
    // (if entry ? target then { target = "${entry.target}"; } else { });

  treeList = trees: map (tree: "${tree}") trees;

  linkTree =
    {
      name,
      paths,
      pathsToLink ? [ "/" ],
      ignoreCollisions ? false,
      meta ? { },
      passthru ? { },
    }:
    builtinDerivation {
      inherit name meta pathsToLink ignoreCollisions;
      passthru = {
        inherit paths;
      }
      // passthru;
      builder = "builtin:link-trees";
      trees = treeList paths;
    };

  noCommands =
    function: arguments:
    if (arguments.postBuild or "") == "" then
      arguments
    else
      throw "${function}: postBuild cannot be used, there is no shell where trees are made; use mergeTrees or writeTree";
in
{
  inherit writeTree;

  # One tree of real files out of several.  Two trees may have the same file if its content is the
  # same; else the build fails and names both, unless `priority` says which comes first: a set of
  # numbers by the place of the tree in `trees`, or a list of trees in falling priority.
  # `exclude` are patterns over paths relative to the tree: `*` within a name, `**` over several.
  mergeTrees =
    {
      name,
      trees,
      exclude ? [ ],
      # Trees of which the first wins, with an equal path, over all trees not listed.
      prefer ? [ ],
      meta ? { },
      passthru ? { },
    }:
    builtinDerivation {
      inherit name exclude meta;
      passthru = {
        inherit trees;
      }
      // passthru;
      builder = "builtin:merge-trees";
      trees = treeList trees;
      prefer = treeList prefer;
    };

  # One tree of links to the files of several.
  symlinkJoin =
    arguments:
    linkTree (
      removeAttrs (noCommands "symlinkJoin" arguments) [ "postBuild" "preferLocalBuild" "allowSubstitutes" ]
    );

  buildEnv =
    arguments:
    linkTree (
      removeAttrs (noCommands "buildEnv" arguments) [ "postBuild" "extraOutputsToInstall" "extraPrefix" "checkContents" "manifest" "buildInputs" "nativeBuildInputs" ]
    );

  # A folder of links: a list of { name, path }, or a set of targets by name.
  linkFarm =
    name: entries:
    let
      list =
        if isAttrs entries then
          map (entry: {
            name = entry;
            path = entries.${entry};
          }) (attrNames entries)
        else
          entries;
    in
    writeTree {
      inherit name;
      entries = map (entry: {
        path = entry.name;
        target = entry.path;
      }) list;
      passthru.entries = builtins.listToAttrs (
        map (entry: {
          inherit (entry) name;
          value = entry.path;
        }) list
      );
    };

  linkFarmFromDrvs =
    name: packages:
    writeTree {
      inherit name;
      entries = map (package: {
        path = package.name;
        target = package;
      }) packages;
    };

  emptyDirectory = writeTree {
    name = "empty-directory";
    entries = [ ];
  };

  # `store-paths` and `registration` of the closure of some paths, for images.
  closureInfo =
    { rootPaths }:
    builtinDerivation {
      name = "closure-info";
      builder = "builtin:closure-info";
      rootPaths = treeList rootPaths;
    };
}
