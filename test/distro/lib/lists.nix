# Lists: ordering, searching, cutting.
{ lib }:
{
  flatten = { expr = lib.flatten [ 1 [ 2 [ 3 ] ] [ ] ]; expected = [ 1 2 3 ]; };
  foldr = { expr = lib.foldr (x: acc: "${x}(${acc})") "" [ "a" "b" ]; expected = "a(b())"; };
  foldlIsLazy = { expr = lib.foldl (_: x: x) (throw "not used") [ 1 2 ]; expected = 2; };
  imap1 = { expr = lib.imap1 (i: x: "${toString i}${x}") [ "a" "b" ]; expected = [ "1a" "2b" ]; };
  ifilter0 = { expr = lib.lists.ifilter0 (i: x: i == 1 || x == 9) [ 1 2 9 ]; expected = [ 2 9 ]; };
  unique = { expr = lib.unique [ 3 1 3 2 1 ]; expected = [ 3 1 2 ]; };
  uniqueStrings = { expr = lib.uniqueStrings [ "b" "a" "b" ]; expected = [ "a" "b" ]; };
  takeMany = { expr = lib.take 5 [ 1 2 ]; expected = [ 1 2 ]; };
  drop = { expr = lib.drop 1 [ 1 2 3 ]; expected = [ 2 3 ]; };
  takeEnd = { expr = lib.takeEnd 2 [ 1 2 3 ]; expected = [ 2 3 ]; };
  dropEnd = { expr = lib.dropEnd 5 [ 1 ]; expected = [ ]; };
  sublist = { expr = lib.sublist 1 3 [ 0 1 2 ]; expected = [ 1 2 ]; };
  findFirst = { expr = lib.findFirst (x: x > 3) 7 [ 1 9 5 ]; expected = 9; };
  findFirstNone = { expr = lib.findFirst (x: x > 30) 7 [ 1 9 5 ]; expected = 7; };
  findFirstIndexLong = {
    expr = lib.lists.findFirstIndex (x: x == 90) null (lib.range 0 100);
    expected = 90;
  };
  findFirstIndexLongNone = {
    expr = lib.lists.findFirstIndex (x: x == 900) null (lib.range 0 100);
    expected = null;
  };
  findSingle = { expr = lib.findSingle (x: x == 3) "none" "many" [ 3 3 ]; expected = "many"; };
  range = { expr = lib.range 3 5; expected = [ 3 4 5 ]; };
  rangeEmpty = { expr = lib.range 5 3; expected = [ ]; };
  naturalSort = {
    expr = lib.naturalSort [ "disk11" "disk8" "disk100" "disk9" ];
    expected = [ "disk8" "disk9" "disk11" "disk100" ];
  };
  naturalSortAddresses = {
    expr = lib.naturalSort [ "10.5.16.62" "10.54.16.1" "10.5.9.1" ];
    expected = [ "10.5.9.1" "10.5.16.62" "10.54.16.1" ];
  };
  sortOn = { expr = lib.sortOn builtins.stringLength [ "aa" "b" "cccc" "d" ]; expected = [ "b" "d" "aa" "cccc" ]; };
  compareLists = { expr = lib.compareLists lib.compare [ 1 2 ] [ 1 2 3 ]; expected = -1; };
  toposort = { expr = (lib.toposort (a: b: a < b) [ 3 1 2 ]).result; expected = [ 1 2 3 ]; };
  toposortKeepsOrder = {
    expr = (lib.toposort (_: _: false) [ 3 1 2 ]).result;
    expected = [ 3 1 2 ];
  };
  toposortPaths = {
    expr = (lib.toposort lib.hasPrefix [ "/home/user" "other" "/" "/home" ]).result;
    expected = [ "/" "/home" "/home/user" "other" ];
  };
  toposortCircle = {
    expr = (lib.toposort (a: b: (a == 1 && b == 2) || (a == 2 && b == 1)) [ 1 2 ]) ? cycle;
    expected = true;
  };
  crossLists = { expr = lib.crossLists (a: b: "${a}${b}") [ [ "1" "2" ] [ "x" "y" ] ]; expected = [ "1x" "1y" "2x" "2y" ]; };
  zipLists = { expr = lib.zipLists [ 1 2 ] [ "a" ]; expected = [ { fst = 1; snd = "a"; } ]; };
  mutuallyExclusive = { expr = lib.mutuallyExclusive [ 1 ] [ 2 1 ]; expected = false; };
  subtractLists = { expr = lib.subtractLists [ 2 ] [ 1 2 3 2 ]; expected = [ 1 3 ]; };
  replaceElemAt = { expr = lib.replaceElemAt [ 1 2 3 ] 1 9; expected = [ 1 9 3 ]; };
  commonPrefix = { expr = lib.lists.commonPrefix [ 1 2 3 ] [ 1 2 4 5 ]; expected = [ 1 2 ]; };
  last = { expr = lib.last [ 1 2 ]; expected = 2; };
  init = { expr = lib.init [ 1 2 ]; expected = [ 1 ]; };
  groupBySum = {
    expr = lib.groupBy' builtins.add 0 (x: if x > 2 then "big" else "small") [ 1 2 3 4 ];
    expected = { big = 7; small = 3; };
  };
  lastOfNothing = { expr = lib.last [ ]; expectedError = "lists.last: the list must not be empty"; };
}
