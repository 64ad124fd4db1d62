# Sets of files below a common directory, combined before they become one source.
#
# A file set is { _type, base, files }: a base directory (a path) and a tree whose leaves
# say whether a file is in.  A tree is null (nothing), "all" (this file, or everything
# below), or a set of names to trees.
{ lib }:
let
  inherit (builtins)
    attrNames baseNameOf concatMap dirOf elem filter foldl' head isAttrs isPath isString length
    map mapAttrs pathExists readDir split tail toString
    ;
  inherit (lib.filesystem) pathType;

  make = base: tree: {
    _type = "fileset";
    inherit base tree;
  };

  empty = make null null;

  # The names below `/` that lead to a path.
  partsOf = path: filter (c: isString c && c != "") (split "/+" (toString path));
  rootOf = path: if dirOf path == path then path else rootOf (dirOf path);

  # Everything is brought to the file system's root, so that trees combine name by name.
  coerce =
    function: value:
    if isAttrs value && value._type or null == "fileset" then
      value
    else if isAttrs value && value._isLibCleanSourceWith or false then
      throw "lib.fileset.${function}: a filtered source is given; use lib.fileset.fromSource"
    else if isPath value then
      if !pathExists value then
        throw "lib.fileset.${function}: `${toString value}' does not exist; use lib.fileset.maybeMissing if that is meant"
      else
        make (rootOf value) (nest (partsOf value) "all")
    else
      throw "lib.fileset.${function}: a file set or a path is wanted, but ${lib.options.withArticle (builtins.typeOf value)} was given";

  nest = parts: tree: if parts == [ ] then tree else { ${head parts} = nest (tail parts) tree; };

  # "all" written out by one directory level.
  expand =
    path: tree: if tree == "all" then mapAttrs (_: _: "all") (readDir path) else tree;
  isDirectory = path: pathType path == "directory";

  combine =
    f: a: b:
    make (if a.base == null then b.base else a.base) (f (if a.base == null then b.base else a.base) a.tree b.tree);

  unionTree =
    path: a: b:
    if a == "all" || b == "all" then
      "all"
    else if a == null then
      b
    else if b == null then
      a
    else
      a // mapAttrs (name: t: unionTree (path + "/${name}") (a.${name} or null) t) b;

  intersectTree =
    path: a: b:
    if a == null || b == null then
      null
    else if a == "all" then
      b
    else if b == "all" then
      a
    else
      mapAttrs (name: t: intersectTree (path + "/${name}") t b.${name}) (builtins.intersectAttrs b a);

  differTree =
    path: a: b:
    if a == null || b == "all" then
      null
    else if b == null then
      a
    else if a == "all" && !isDirectory path then
      (if b == null then "all" else null)
    else
      mapAttrs (
        name: t: if b ? ${name} then differTree (path + "/${name}") t b.${name} else t
      ) (expand path a);

  # Paths of all files in the set.
  listTree =
    path: tree:
    if tree == null then
      [ ]
    else if tree == "all" && !isDirectory path then
      [ path ]
    else
      let
        inside = expand path tree;
      in
      concatMap (name: listTree (path + "/${name}") inside.${name}) (attrNames inside);

  holds =
    tree: parts: type:
    if tree == null then
      false
    else if tree == "all" then
      true
    else if parts == [ ] then
      anyInside tree
    else
      tree ? ${head parts} && holds tree.${head parts} (tail parts) type;

  anyInside =
    tree:
    tree == "all" || (tree != null && builtins.any (name: anyInside tree.${name}) (attrNames tree));

  filterTree =
    keep: path: tree:
    if tree == null then
      null
    else if tree == "all" && !isDirectory path then
      (
        if
          keep {
            name = baseNameOf path;
            type = pathType path;
            hasExt =
              ext: builtins.match ".*\\.${lib.strings.escapeRegex ext}" (baseNameOf path) != null;
          }
        then
          "all"
        else
          null
      )
    else
      mapAttrs (name: filterTree keep (path + "/${name}")) (expand path tree);
in
rec {
  inherit empty;
  isFileset = value: isPath value || value._type or null == "fileset";

  maybeMissing = path: if pathExists path then coerce "maybeMissing" path else empty;
  union = a: b: combine unionTree (coerce "union" a) (coerce "union" b);
  unions = sets: foldl' (combine unionTree) empty (map (coerce "unions") sets);
  intersection = a: b: combine intersectTree (coerce "intersection" a) (coerce "intersection" b);
  difference = a: b: combine differTree (coerce "difference" a) (coerce "difference" b);
  fileFilter =
    keep: path:
    let
      all = coerce "fileFilter" path;
    in
    make all.base (filterTree keep all.base all.tree);

  fromSource =
    source:
    let
      root = source.origSrc or source;
      keep = source.filter or (_: _: true);
      go =
        path: type:
        if type == "directory" then
          mapAttrs (
            name: t: if keep (toString (path + "/${name}")) t then go (path + "/${name}") t else null
          ) (readDir path)
        else
          "all";
    in
    make (rootOf root) (nest (partsOf root) (go root (pathType root)));

  toList =
    set:
    let
      s = coerce "toList" set;
    in
    if s.base == null then [ ] else listTree s.base s.tree;

  toSource =
    { root, fileset }:
    let
      set = coerce "toSource" fileset;
      inside = lib.path.hasPrefix root;
      outside = filter (file: !inside file) (toList set);
    in
    if outside != [ ] then
      throw "lib.fileset.toSource: the file set contains files outside of root `${toString root}', such as `${toString (head outside)}'"
    else
      lib.sources.cleanSourceWith {
        name = "source";
        src = root;
        filter = path: type: holds set.tree (partsOf path) type;
      };

  trace =
    set: value:
    builtins.trace (builtins.concatStringsSep "\n" (map toString (toList set))) value;
  traceVal = set: trace set set;

  gitTracked = path: gitTrackedWith { } path;
  gitTrackedWith =
    {
      recurseSubmodules ? false,
    }:
    path:
    if builtins ? fetchGit then
      let
        fetched = builtins.fetchGit {
          url = path;
          submodules = recurseSubmodules;
        };
        mirror =
          copy: type:
          if type == "directory" then
            mapAttrs (name: mirror (copy + "/${name}")) (readDir copy)
          else
            "all";
      in
      make (rootOf path) (nest (partsOf path) (mirror fetched.outPath "directory"))
    else
      throw "lib.fileset.gitTracked: this evaluator has no fetchGit";
}
