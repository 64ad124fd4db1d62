# Source trees that become store paths, without what does not belong in them.
{ lib }:
let
  inherit (builtins)
    any baseNameOf dirOf elem filter filterSource hasContext head isAttrs isString match
    pathExists readDir readFile split stringLength substring toString
    ;
in
rec {
  inherit (builtins) filterSource;

  # Version control, editors' and builds' leavings.
  cleanSourceFilter =
    name: type:
    let
      base = baseNameOf (toString name);
    in
    !(
      (type == "directory" && elem base [ ".git" ".svn" "CVS" ".hg" ".jj" ])
      || (base == ".git" && type == "regular")
      || match ".*~" base != null
      || match "\\..*\\.sw[a-z]" base != null
      || match ".*\\.(o|so)" base != null
      || (type == "symlink" && match "result(-.*)?" base != null)
      || type == "unknown"
    );

  cleanSource =
    src:
    cleanSourceWith {
      filter = cleanSourceFilter;
      inherit src;
    };

  # Filters compose: a source that was filtered already keeps its filter.
  cleanSourceWith =
    {
      filter ? (_: _: true),
      src,
      name ? null,
    }:
    let
      origin = toOrigin src;
      both = path: type: origin.filter path type && filter path type;
      storeName =
        if name != null then
          name
        else if origin.name != null then
          origin.name
        else
          baseNameOf origin.path;
    in
    {
      _isLibCleanSourceWith = true;
      origSrc = origin.path;
      filter = both;
      name = storeName;
      outPath = builtins.path {
        filter = both;
        inherit (origin) path;
        name = storeName;
      };
    };

  toOrigin =
    src:
    if src._isLibCleanSourceWith or false then
      {
        path = src.origSrc;
        inherit (src) filter name;
      }
    else
      {
        path = src;
        filter = _: _: true;
        name = null;
      };

  canCleanSource = src: src._isLibCleanSourceWith or false || !hasContext (toString src);

  trace =
    src:
    let
      origin = toOrigin src;
    in
    cleanSourceWith {
      inherit src;
      filter = path: type: builtins.trace "${path} (${type})" true;
    };

  sourceByRegex =
    src: patterns:
    let
      root = toString (toOrigin src).path + "/";
    in
    cleanSourceWith {
      inherit src;
      filter =
        path: type:
        let
          relative = lib.strings.removePrefix root (toString path);
        in
        any (pattern: match pattern relative != null) patterns;
    };

  sourceFilesBySuffices =
    src: suffixes:
    cleanSourceWith {
      inherit src;
      filter =
        name: type: type == "directory" || any (s: lib.strings.hasSuffix s (baseNameOf name)) suffixes;
    };

  pathIsGitRepo = path: (commitIdOf path) != null;
  commitIdFromGitRepo =
    path:
    let
      found = commitIdOf path;
    in
    if found == null then throw "commitIdFromGitRepo: `${toString path}' is not a git repository" else found;

  # Follows HEAD through refs and packed-refs; null when there is none.
  commitIdOf =
    path:
    let
      gitDirectory =
        if lib.filesystem.pathIsDirectory path then
          path
        else if pathExists path then
          let
            link = match "gitdir: (.*)\n?" (readFile path);
            to = head link;
          in
          if link == null then
            null
          else if substring 0 1 to == "/" then
            to
          else
            dirOf path + "/${to}"
        else
          null;
      readRef =
        ref:
        let
          file = gitDirectory + "/${ref}";
          packed = gitDirectory + "/packed-refs";
          line = if pathExists packed then match "(.*\n)?([a-f0-9]{40}) ${lib.strings.escapeRegex ref}\n.*" (readFile packed) else null;
          content = lib.strings.fileContents file;
          symbolic = match "ref: (.*)" content;
        in
        if lib.filesystem.pathIsRegularFile file then
          (if symbolic != null then readRef (head symbolic) else content)
        else if line != null then
          builtins.elemAt line 1
        else
          null;
    in
    if gitDirectory == null then null else readRef "HEAD";

  pathHasContext = hasContextOf;
  hasContextOf = path: hasContext (toString path);

  shortRev = rev: if isString rev then substring 0 8 rev else rev;
  revOrTag =
    rev: tag:
    if tag != null then
      tag
    else if rev != null then
      rev
    else
      "HEAD";
  urlToName =
    url:
    let
      base = baseNameOf (lib.strings.removeSuffix "/" (lib.lists.last (lib.strings.splitString ":" (toString url))));
      found = match "(.*)\\.git" base;
    in
    if found == null then base else head found;
}
