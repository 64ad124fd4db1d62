/**
 * A program that uses each operation of the machine once, run before any other.
 *
 * V8 gives optimised code up when it comes to a part of a function that had never run when the code
 * was made, and then takes down each frame of that code on the stack, one by one. In a deep
 * recursion of Nix that are a million frames of `evaluate`. When all parts have run before, it does
 * not happen.
 */
export const warmUpText = `
let
  lib = rec { a = 1; b = a + 1; f = x: y: z: x + y + z; inherit (builtins) map; \${"c" + "d"} = 3; };
  pattern = { p, q ? p + 1, ... }@all: p + q + all.p;
  outer = x: let y = x; in z: let w = z; in [ (x + y + z + w) (-x) (x * 2) (x / 1) (x - 1) ];
  count = n: if n == 0 then 0 else 1 + count (n - 1);
  functor = { __functor = self: x: x + self.n; n = 1; };
  text = "t\${toString 1}" + "u";
  partial = lib.f 1;
  results = with lib; [
    a b cd (f 1 2 3) (partial 2 3) (pattern { p = 1; r = 2; }) (pattern { p = 1; q = 2; }) (outer 1 2)
    (lib.none or 1) (lib ? a) (lib ? a.b) (lib.\${"a"}) (lib // { a = 2; }).a ([ 1 ] ++ [ 2 ]) (functor 1)
    (a == 1 && b != 1 || a < b) (!(a == b)) (a == b -> b == a) (assert a == 1; text) (1.5 + 1) (./. + "/x")
    (count 3) (map (x: x) [ 1 2 ]) ((x: y: x) 1 2) (builtins.mapAttrs (n: v: v) { k = 1; }).k __curPos
    (builtins.foldl' (x: y: x + y) 0 [ 1 2 3 ]) (let inherit (lib) a; in a) (text == "tu") ({ x = [ 1 ]; } == { x = [ 1 ]; })
    (((p: q: r: s: p) 1 2 3 4)) (let x = y; y = 1; in x) (map (lib.f 1 2) [ 3 ])
  ];
in builtins.deepSeq results null
`;
