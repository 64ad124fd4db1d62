# Path values and subpaths (relative, normal, never upwards).
{ lib }:
let
  inherit (builtins)
    all any concatStringsSep dirOf elem elemAt filter foldl' genList head isPath isString length
    map split substring typeOf
    ;

  components =
    text: filter (c: isString c && c != "" && c != ".") (split "/+" text);

  # null, or why a string is no subpath.
  problem =
    value:
    if !isString value then
      "it is ${lib.options.withArticle (typeOf value)} instead of a string"
    else if value == "" then
      "it is empty"
    else if substring 0 1 value == "/" then
      "it is absolute (starts with a `/')"
    else if elem ".." (split "/+" value) then
      "it contains a `..' component"
    else
      null;

  take =
    function: value:
    if problem value == null then
      components value
    else
      throw "lib.path.${function}: ${
        if isString value then "`${value}' " else ""
      }is not a valid subpath: ${problem value}";

  join = parts: if parts == [ ] then "./." else "./" + concatStringsSep "/" parts;

  # A path as its root and the components below.
  deconstruct =
    path:
    let
      go =
        below: base:
        if base == dirOf base then
          {
            root = base;
            components = below;
          }
        else
          go ([ (baseNameOf base) ] ++ below) (dirOf base);
    in
    go [ ] path;

  mustBePath =
    function: path:
    if isPath path then
      path
    else
      throw "lib.path.${function}: a path is wanted, but ${lib.options.withArticle (typeOf path)} was given";
in
{
  append =
    path: subpath:
    mustBePath "append" path + ("/" + concatStringsSep "/" (take "append" subpath));

  hasPrefix =
    first:
    let
      a = deconstruct (mustBePath "hasPrefix" first);
    in
    second:
    let
      b = deconstruct (mustBePath "hasPrefix" second);
    in
    a.root == b.root && lib.lists.take (length a.components) b.components == a.components;

  removePrefix =
    first:
    let
      a = deconstruct (mustBePath "removePrefix" first);
      depth = length a.components;
    in
    second:
    let
      b = deconstruct (mustBePath "removePrefix" second);
    in
    if a.root == b.root && lib.lists.take depth b.components == a.components then
      join (lib.lists.drop depth b.components)
    else
      throw "lib.path.removePrefix: `${toString first}' is not a prefix of `${toString second}'";

  splitRoot =
    path:
    let
      d = deconstruct (mustBePath "splitRoot" path);
    in
    {
      inherit (d) root;
      subpath = join d.components;
    };

  hasStorePathPrefix =
    path:
    let
      d = deconstruct path;
      store = components (toString builtins.storeDir);
      depth = length store;
    in
    lib.lists.take depth d.components == store
    && length d.components > depth
    && builtins.match "[0-9a-df-np-sv-z]{32}-.+" (elemAt d.components depth) != null;

  subpath = {
    isValid = value: problem value == null;
    normalise = value: join (take "subpath.normalise" value);
    components = take "subpath.components";
    join = parts: join (builtins.concatMap (take "subpath.join") parts);
  };
}
