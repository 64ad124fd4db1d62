# Attribute sets.
{ lib }:
let
  inherit (builtins)
    attrNames attrValues concatLists concatMap concatStringsSep elem elemAt filter foldl'
    genList getAttr hasAttr head intersectAttrs isAttrs length listToAttrs map mapAttrs
    removeAttrs tail zipAttrsWith
    ;
in
rec {
  inherit (builtins)
    attrNames attrValues catAttrs getAttr hasAttr intersectAttrs isAttrs listToAttrs mapAttrs
    removeAttrs zipAttrsWith
    ;

  # Walking a path of names.
  attrByPath =
    path: fallback: set:
    let
      count = length path;
      go =
        i: value:
        if i == count then
          value
        else if value ? ${elemAt path i} then
          go (i + 1) value.${elemAt path i}
        else
          fallback;
    in
    go 0 set;

  hasAttrByPath =
    path: set:
    let
      count = length path;
      go =
        i: value: i == count || (value ? ${elemAt path i} && go (i + 1) value.${elemAt path i});
    in
    go 0 set;

  longestValidPathPrefix =
    path: set:
    let
      count = length path;
      go =
        i: value:
        if i < count && value ? ${elemAt path i} then go (i + 1) value.${elemAt path i} else i;
    in
    lib.lists.take (go 0 set) path;

  setAttrByPath =
    path: value:
    let
      count = length path;
      go = i: if i == count then value else { ${elemAt path i} = go (i + 1); };
    in
    go 0;

  getAttrFromPath =
    path:
    attrByPath path (throw "the attribute `${showAttrPath path}' cannot be found");

  showAttrPath =
    path:
    if path == [ ] then
      "<root attribute path>"
    else
      concatStringsSep "." (map lib.strings.escapeNixIdentifier path);

  # A list of { path, update } applied to nested sets; deeper updates first see shallower ones.
  updateManyAttrsByPath =
    updates:
    let
      go =
        depth: updates: exists: value:
        let
          parts = builtins.partition (u: length u.path == depth) updates;
          nested =
            if parts.wrong == [ ] then
              value
            else if !exists || isAttrs value then
              let
                set = if exists then value else { };
              in
              set
              // mapAttrs (name: us: go (depth + 1) us (set ? ${name}) (set.${name} or null)) (
                builtins.groupBy (u: elemAt u.path depth) parts.wrong
              )
            else
              throw "updateManyAttrsByPath: `${
                showAttrPath (lib.lists.take depth (head parts.wrong).path)
              }' is not an attribute set, yet something inside it is to be updated";
          exists' = exists || parts.wrong != [ ];
          here =
            if exists' then
              nested
            else
              throw "updateManyAttrsByPath: `${showAttrPath (head parts.right).path}' does not exist";
        in
        if parts.right == [ ] then
          nested
        else
          # Lazily: a later update may not look at what the earlier ones made.
          lib.lists.foldl (value: u: u.update value) here parts.right;
    in
    set: go 0 updates true set;

  # Selecting and making.
  nameValuePair = name: value: { inherit name value; };
  attrVals = names: set: map (name: set.${name}) names;
  getAttrs = names: set: genAttrs names (name: set.${name});
  genAttrs =
    names: f:
    listToAttrs (
      map (name: {
        inherit name;
        value = f name;
      }) names
    );
  genAttrs' = xs: f: listToAttrs (map f xs);
  optionalAttrs = condition: set: if condition then set else { };
  filterAttrs =
    keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
  filterAttrsRecursive =
    keep: set:
    mapAttrs (_: value: if isAttrs value then filterAttrsRecursive keep value else value) (
      filterAttrs keep set
    );
  attrsToList = mapAttrsToList nameValuePair;
  cartesianProduct =
    set:
    foldl' (
      sets: name: concatMap (made: map (value: made // { ${name} = value; }) set.${name}) sets
    ) [ { } ] (attrNames set);
  mapCartesianProduct = f: set: map f (cartesianProduct set);

  # Mapping.
  mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  concatMapAttrs = f: set: mergeAttrsList (mapAttrsToList f set);
  mapAttrsRecursive = mapAttrsRecursiveCond (_: true);
  mapAttrsRecursiveCond =
    descend: f: set:
    let
      go =
        path:
        mapAttrs (
          name: value:
          let
            here = path ++ [ name ];
          in
          if isAttrs value && descend value then go here value else f here value
        );
    in
    go [ ] set;
  mapAttrsToListRecursive = mapAttrsToListRecursiveCond (_: _: true);
  mapAttrsToListRecursiveCond =
    descend: f: set:
    let
      go =
        path: value:
        if path == [ ] || (isAttrs value && descend path value) then
          concatMap (name: go (path ++ [ name ]) value.${name}) (attrNames value)
        else
          [ (f path value) ];
    in
    go [ ] set;

  # Folding.
  foldAttrs =
    op: initial: sets:
    zipAttrsWith (_: values: lib.lists.foldr op initial values) sets;
  foldlAttrs = f: initial: set: foldl' (acc: name: f acc name set.${name}) initial (attrNames set);
  collect =
    matches: value:
    if matches value then
      [ value ]
    else if isAttrs value then
      concatMap (collect matches) (attrValues value)
    else
      [ ];

  # Combining.
  mergeAttrsList =
    sets:
    let
      # Halving keeps the merged prefix from being copied once per element.
      go =
        start: end:
        if end - start >= 2 then
          let
            middle = start + (end - start) / 2;
          in
          go start middle // go middle end
        else
          elemAt sets start;
    in
    if sets == [ ] then { } else go 0 (length sets);
  recursiveUpdateUntil =
    stop: left: right:
    let
      go =
        path:
        zipAttrsWith (
          name: values:
          let
            here = path ++ [ name ];
          in
          if length values == 1 then
            head values
          else if stop here (elemAt values 1) (head values) then
            head values
          else
            go here values
        );
    in
    # The right side stands first: then a single value and the winner are both the head.
    go [ ] [
      right
      left
    ];
  recursiveUpdate =
    left: right:
    left
    // mapAttrs (
      name: new:
      if left ? ${name} && isAttrs new && isAttrs left.${name} then
        recursiveUpdate left.${name} new
      else
        new
    ) right;
  overrideExisting = old: new: old // intersectAttrs old new;
  matchAttrs =
    pattern: set:
    isAttrs set
    && builtins.all (
      name:
      let
        wanted = pattern.${name};
        value = set.${name};
      in
      set ? ${name} && (if isAttrs wanted then matchAttrs wanted value else wanted == value)
    ) (attrNames pattern);
  unionOfDisjoint =
    a: b:
    let
      both = attrNames (intersectAttrs a b);
    in
    (a // b)
    // genAttrs both (
      name: throw "unionOfDisjoint: both sets have an attribute `${name}'"
    );
  zipAttrsWithNames =
    names: f: sets:
    genAttrs names (name: f name (builtins.catAttrs name sets));
  zipAttrs = zipAttrsWith (_: values: values);

  # Packages as attribute sets.
  isDerivation = value: value.type or null == "derivation";
  toDerivation =
    path:
    let
      text = builtins.storePath path;
      self = {
        type = "derivation";
        name = lib.strings.sanitizeDerivationName (builtins.substring 33 (-1) (baseNameOf text));
        outPath = text;
        outputs = [ "out" ];
        out = self;
        outputName = "out";
      };
    in
    self;
  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };

  getFirstOutput =
    candidates: package:
    let
      present = filter (name: package ? ${name}) candidates;
    in
    if package ? outputSpecified && package.outputSpecified then
      package
    else if present == [ ] then
      package.out or package
    else
      package.${head present};
  getOutput = output: getFirstOutput [ output ];
  getBin = getOutput "bin";
  getLib = getFirstOutput [
    "lib"
    "out"
  ];
  getStatic = getFirstOutput [
    "static"
    "lib"
    "out"
  ];
  getDev = getOutput "dev";
  getInclude = getFirstOutput [
    "include"
    "dev"
    "out"
  ];
  getMan = getFirstOutput [
    "man"
    "devman"
    "out"
  ];
  chooseDevOutputs = map getDev;
}
