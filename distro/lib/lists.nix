# Lists.
#
# The names follow the interface NixOS configurations use.  Functions that visit every
# element use the evaluator's own primitives, because lists are what module evaluation
# spends its time on.
{ lib }:
let
  inherit (builtins)
    all any concatLists concatMap elem elemAt filter foldl' genList groupBy head isList length
    listToAttrs map mapAttrs partition sort tail toJSON attrNames
    ;
in
rec {
  inherit (builtins)
    all any concatLists concatMap elem elemAt filter foldl' genList groupBy head isList length
    map partition sort tail
    ;

  singleton = x: [ x ];
  toList = x: if isList x then x else [ x ];
  optional = condition: x: if condition then [ x ] else [ ];
  optionals = condition: xs: if condition then xs else [ ];

  forEach = xs: f: map f xs;

  foldr =
    f: initial: xs:
    let
      count = length xs;
      go = i: if i == count then initial else f (elemAt xs i) (go (i + 1));
    in
    go 0;
  fold = foldr;

  # Left fold that leaves the accumulator unevaluated.
  foldl =
    f: initial: xs:
    let
      go = i: if i < 0 then initial else f (go (i - 1)) (elemAt xs i);
    in
    go (length xs - 1);

  imap0 = f: xs: genList (i: f i (elemAt xs i)) (length xs);
  imap1 = f: xs: genList (i: f (i + 1) (elemAt xs i)) (length xs);
  ifilter0 =
    keep: xs:
    map (elemAt xs) (filter (i: keep i (elemAt xs i)) (genList (i: i) (length xs)));

  replaceElemAt =
    xs: index: x:
    if index < 0 || index >= length xs then
      throw "replaceElemAt: the list has no element ${toString index}"
    else
      genList (i: if i == index then x else elemAt xs i) (length xs);

  flatten = x: if isList x then concatMap flatten x else [ x ];
  remove = x: filter (y: y != x);
  count = matches: foldl' (n: x: if matches x then n + 1 else n) 0;

  range = first: last: if first > last then [ ] else genList (i: first + i) (last - first + 1);
  replicate = n: x: genList (_: x) n;
  reverseList =
    xs:
    let
      count = length xs;
    in
    genList (i: elemAt xs (count - 1 - i)) count;

  findFirstIndex =
    matches: fallback: xs:
    let
      count = length xs;
      go = i: if i == count then fallback else if matches (elemAt xs i) then i else go (i + 1);
      # A fold keeps the stack flat: long lists are searched through.
      found = foldl' (
        at: x: if at >= 0 then at else if matches x then -at - 1 else at - 1
      ) (-1) xs;
    in
    if count < 64 then go 0 else if found >= 0 then found else fallback;

  findFirst =
    matches: fallback: xs:
    let
      at = findFirstIndex matches null xs;
    in
    if at == null then fallback else elemAt xs at;

  findSingle =
    matches: none: several: xs:
    let
      found = filter matches xs;
    in
    if found == [ ] then none else if length found > 1 then several else head found;

  sortOn =
    key: xs:
    map (pair: elemAt pair 1) (
      sort (a: b: head a < head b) (
        map (x: [
          (key x)
          x
        ]) xs
      )
    );

  compareLists =
    compare: a: b:
    let
      go =
        i:
        if i == length a then
          (if i == length b then 0 else -1)
        else if i == length b then
          1
        else
          let
            here = compare (elemAt a i) (elemAt b i);
          in
          if here != 0 then here else go (i + 1);
    in
    go 0;

  # Sorts as a reader would: digits inside names count as numbers.
  naturalSort =
    xs:
    let
      pieces =
        s:
        map (piece: if isList piece then lib.strings.toIntBase10 (head piece) else piece) (
          builtins.split "(0|[1-9][0-9]*)" s
        );
      compareMixed =
        a: b:
        if builtins.typeOf a == builtins.typeOf b then
          lib.trivial.compare a b
        else if builtins.isInt a then
          -1
        else
          1;
    in
    map (x: x.text) (
      sort (a: b: compareLists compareMixed a.key b.key < 0) (
        map (text: {
          inherit text;
          key = pieces text;
        }) xs
      )
    );

  take = n: sublist 0 n;
  drop = n: xs: sublist n (length xs) xs;
  takeEnd = n: xs: drop (lib.trivial.max 0 (length xs - n)) xs;
  dropEnd = n: xs: take (lib.trivial.max 0 (length xs - n)) xs;
  sublist =
    start: n: xs:
    let
      left = length xs - start;
    in
    genList (i: elemAt xs (start + i)) (if left <= 0 || n < 0 then 0 else if n > left then left else n);

  hasPrefix = prefix: xs: take (length prefix) xs == prefix;
  removePrefix =
    prefix: xs:
    if hasPrefix prefix xs then
      drop (length prefix) xs
    else
      throw "lists.removePrefix: the list does not start with the given prefix";

  commonPrefix =
    a: b:
    let
      most = lib.trivial.min (length a) (length b);
      differing = findFirstIndex (i: elemAt a i != elemAt b i) most (range 0 (most - 1));
    in
    take differing a;

  last =
    xs:
    if xs == [ ] then throw "lists.last: the list must not be empty" else elemAt xs (length xs - 1);
  init =
    xs:
    if xs == [ ] then throw "lists.init: the list must not be empty" else take (length xs - 1) xs;

  # Keeps the first of equal elements.
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];

  # As `unique` for strings; the result is sorted.
  uniqueStrings =
    xs:
    attrNames (
      listToAttrs (
        map (name: {
          inherit name;
          value = null;
        }) xs
      )
    );

  allUnique = xs: length (unique xs) == length xs;
  intersectLists = xs: filter (x: elem x xs);
  subtractLists = xs: filter (x: !elem x xs);
  mutuallyExclusive = a: b: a == [ ] || !any (x: elem x a) b;

  crossLists =
    f: lists:
    foldl' (fs: args: concatMap (f: map f args) fs) [ f ] lists;

  zipListsWith =
    f: a: b:
    genList (i: f (elemAt a i) (elemAt b i)) (lib.trivial.min (length a) (length b));
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });

  groupBy' =
    op: initial: key: xs:
    mapAttrs (_: foldl' op initial) (groupBy key xs);

  concatAttrValues = set: concatLists (builtins.attrValues set);

  # Everything that must stand before the first element, deepest first:
  # { visited, rest } or { cycle, loops, visited, rest }.
  listDfs =
    stopOnCycles: before: xs:
    let
      go =
        state: path: x:
        if state ? cycle || !elem x state.rest then
          state
        else if stopOnCycles && any (y: before y x && (elem y path || y == x)) (path ++ [ x ]) then
          state
          // {
            cycle = x;
            loops = filter (y: before y x) (path ++ [ x ]);
          }
        else
          let
            deeper = foldl' (s: y: go s (path ++ [ x ]) y) (
              state // { rest = remove x state.rest; }
            ) (filter (y: before y x) state.rest);
          in
          if deeper ? cycle then deeper else deeper // { visited = [ x ] ++ deeper.visited; };
    in
    go {
      visited = [ ];
      rest = xs;
    } [ ] (head xs);

  # A list in which every element stands after those that must precede it:
  # { result } or { cycle, loops }.  An element is never taken to precede itself.
  toposort =
    before: xs:
    let
      indexes = genList (i: i) (length xs);
      preceding = genList (
        i: filter (j: j != i && before (elemAt xs j) (elemAt xs i)) indexes
      ) (length xs);
      # done: { order, seen }, seen by index.
      place =
        path: state: i:
        if state ? cycle || state.seen ? ${toString i} then
          state
        else if elem i path then
          {
            cycle = map (elemAt xs) (reverseList path);
            loops = [ (elemAt xs i) ];
          }
        else
          let
            after = foldl' (place ([ i ] ++ path)) state (elemAt preceding i);
          in
          if after ? cycle then
            after
          else
            {
              order = after.order ++ [ i ];
              seen = after.seen // {
                ${toString i} = null;
              };
            };
      sorted = foldl' (place [ ]) {
        order = [ ];
        seen = { };
      } indexes;
    in
    if sorted ? cycle then sorted else { result = map (elemAt xs) sorted.order; };
}
