# Attribute sets: paths, merging, mapping.
{ lib }:
{
  attrByPath = { expr = lib.attrByPath [ "a" "b" ] 7 { a.b = 1; }; expected = 1; };
  attrByPathMissing = { expr = lib.attrByPath [ "a" "c" "d" ] 7 { a.b = 1; }; expected = 7; };
  attrByPathThroughValue = { expr = lib.attrByPath [ "a" "b" "c" ] 7 { a.b = 1; }; expected = 7; };
  hasAttrByPath = { expr = lib.hasAttrByPath [ "a" "b" ] { a.b = throw "not looked at"; }; expected = true; };
  setAttrByPath = { expr = lib.setAttrByPath [ "a" "b" ] 3; expected = { a.b = 3; }; };
  getAttrFromPath = { expr = lib.getAttrFromPath [ "a" ] { a = 2; }; expected = 2; };
  getAttrFromPathMissing = { expr = lib.getAttrFromPath [ "x" "y" ] { }; expectedError = "x.y"; };
  recursiveUpdate = {
    expr = lib.recursiveUpdate { a.b = 1; a.c = 2; d = 1; } { a.b = 3; d.e = 4; };
    expected = { a = { b = 3; c = 2; }; d.e = 4; };
  };
  recursiveUpdateUntil = {
    expr = lib.recursiveUpdateUntil (path: _: _: path == [ "foo" ]) { foo.bar = 1; bar.baz = 3; foo.quz = 2; } { foo.bar = 1; bar.x = 9; };
    expected = { foo.bar = 1; bar = { baz = 3; x = 9; }; };
  };
  mapAttrsRecursive = {
    expr = lib.mapAttrsRecursive (path: value: "${lib.concatStringsSep "-" path}=${value}") { a.b = "x"; c = "y"; };
    expected = { a.b = "a-b=x"; c = "c=y"; };
  };
  mapAttrsRecursiveCond = {
    expr = lib.mapAttrsRecursiveCond (set: !(set ? leaf)) (_: value: value.leaf or value) { a.leaf = 1; b.c = 2; };
    expected = { a = 1; b.c = 2; };
  };
  mapAttrsToListRecursive = {
    expr = lib.mapAttrsToListRecursive (path: value: path ++ [ value ]) { n = { a = "x"; b = "y"; }; };
    expected = [ [ "n" "a" "x" ] [ "n" "b" "y" ] ];
  };
  filterAttrs = { expr = lib.filterAttrs (n: v: n != "a" && v > 1) { a = 5; b = 1; c = 2; }; expected = { c = 2; }; };
  filterAttrsRecursive = {
    expr = lib.filterAttrsRecursive (_: v: v != null) { a = null; b.c = null; b.d = 1; };
    expected = { b.d = 1; };
  };
  foldAttrs = { expr = lib.foldAttrs (x: acc: [ x ] ++ acc) [ ] [ { a = 1; } { a = 2; b = 3; } ]; expected = { a = [ 1 2 ]; b = [ 3 ]; }; };
  foldlAttrs = { expr = lib.foldlAttrs (acc: n: v: acc + n + toString v) "" { b = 2; a = 1; }; expected = "a1b2"; };
  collect = { expr = lib.collect (x: x ? w) { a.w = 1; b.c.w = 2; }; expected = [ { w = 1; } { w = 2; } ]; };
  cartesianProduct = {
    expr = lib.cartesianProduct { a = [ 1 2 ]; b = [ 3 ]; };
    expected = [ { a = 1; b = 3; } { a = 2; b = 3; } ];
  };
  concatMapAttrs = { expr = lib.concatMapAttrs (n: v: { "${n}x" = v; ${v} = n; }) { a = "b"; }; expected = { ax = "b"; b = "a"; }; };
  mergeAttrsList = { expr = lib.mergeAttrsList [ { a = 1; } { b = 2; } { a = 3; } { c = 4; } ]; expected = { a = 3; b = 2; c = 4; }; };
  unionOfDisjoint = { expr = (lib.unionOfDisjoint { a = 1; } { b = 2; }).b; expected = 2; };
  unionOfDisjointClash = { expr = (lib.unionOfDisjoint { a = 1; } { a = 2; }).a; expectedError = "a"; };
  updateManyAttrsByPath = {
    expr = lib.updateManyAttrsByPath [
      { path = [ "a" "b" ]; update = old: { d = old.c; }; }
      { path = [ "a" "b" "c" ]; update = old: old + 1; }
      { path = [ "x" "y" ]; update = _: "xy"; }
    ] { a.b.c = 0; };
    expected = { a.b.d = 1; x.y = "xy"; };
  };
  updateNothingThere = {
    expr = (lib.updateManyAttrsByPath [ { path = [ "a" ]; update = old: old; } ] { }).a;
    expectedError = "a";
  };
  matchAttrs = { expr = lib.matchAttrs { cpu.bits = 64; } { cpu = { bits = 64; name = "x"; }; }; expected = true; };
  overrideExisting = { expr = lib.overrideExisting { a = 1; } { a = 2; b = 3; }; expected = { a = 2; }; };
  zipAttrs = { expr = lib.zipAttrs [ { a = 1; } { a = 2; } ]; expected = { a = [ 1 2 ]; }; };
  getOutput = { expr = lib.getDev { dev = "d"; out = "o"; }; expected = "d"; };
  getOutputMissing = { expr = lib.getDev { out = "o"; }; expected = "o"; };
  showAttrPath = { expr = lib.showAttrPath [ "a" "b.c" ]; expected = ''a."b.c"''; };
}
