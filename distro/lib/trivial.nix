# Small functions that everything else leans on: identity, pipes, numbers, warnings.
{ lib }:
let
  inherit (builtins)
    isFunction trace foldl' elem filter concatStringsSep genList elemAt stringLength substring
    ;

  hexDigits = {
    "0" = 0; "1" = 1; "2" = 2; "3" = 3; "4" = 4; "5" = 5; "6" = 6; "7" = 7; "8" = 8; "9" = 9;
    a = 10; b = 11; c = 12; d = 13; e = 14; f = 15;
    A = 10; B = 11; C = 12; D = 13; E = 14; F = 15;
  };
in
rec {
  id = x: x;
  const = x: _: x;
  flip = f: a: b: f b a;
  pipe = foldl' (value: f: f value);
  concat = a: b: a ++ b;
  mergeAttrs = a: b: a // b;

  "or" = a: b: a || b;
  and = a: b: a && b;
  xor = a: b: a != b;
  bitNot = n: -1 - n;

  boolToString = b: if b then "true" else "false";
  boolToYesNo = b: if b then "yes" else "no";

  mapNullable = f: x: if x == null then null else f x;
  defaultTo = fallback: x: if x == null then fallback else x;

  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;
  mod = a: b: a - b * (a / b);

  # -1, 0 or 1, for `sort`-like uses.
  compare = a: b: if a < b then -1 else if b < a then 1 else 0;

  # Elements for which `matches` holds come after the others; `yes` and `no` order each group.
  splitByAndCompare =
    matches: yes: no: a: b:
    if matches a then
      (if matches b then yes a b else -1)
    else if matches b then
      1
    else
      no a b;

  # Numbers in other bases.
  toBaseDigits =
    base: n:
    assert base >= 2 && n >= 0;
    let
      go = n: if n < base then [ n ] else go (n / base) ++ [ (mod n base) ];
    in
    go n;

  toHexString =
    n:
    let
      digits = "0123456789ABCDEF";
      body = concatStringsSep "" (
        map (d: substring d 1 digits) (toBaseDigits 16 (if n < 0 then -n else n))
      );
    in
    if n < 0 then "-" + body else body;

  fromHexString =
    text:
    let
      prefix = substring 0 2 text;
      body =
        if prefix == "0x" || prefix == "0X" then substring 2 (stringLength text) text else text;
      digit =
        c: hexDigits.${c} or (throw "fromHexString: `${text}' is not a hexadecimal number");
    in
    if body == "" then
      throw "fromHexString: `${text}' is not a hexadecimal number"
    else
      foldl' (n: d: n * 16 + d) 0 (genList (i: digit (substring i 1 body)) (stringLength body));

  # Functions as values: sets with `__functor` count, and may state their arguments.
  isFunction = f: builtins.isFunction f || (f ? __functor && isFunction (f.__functor f));

  functionArgs =
    f: if f ? __functor then f.__functionArgs or (functionArgs (f.__functor f)) else builtins.functionArgs f;

  setFunctionArgs = f: args: {
    __functor = _: f;
    __functionArgs = args;
  };

  mirrorFunctionArgs =
    f:
    let
      args = functionArgs f;
    in
    g: setFunctionArgs g args;

  toFunction = x: if isFunction x then x else _: x;

  # Messages on the evaluator's trace output.
  warn = builtins.warn or (message: value: trace "evaluation warning: ${message}" value);
  warnIf = condition: message: if condition then warn message else x: x;
  warnIfNot = condition: warnIf (!condition);
  info = message: trace "INFO: ${message}";
  showWarnings = warnings: value: foldl' (x: w: warn w x) value warnings;

  throwIfNot = condition: message: if condition then x: x else throw message;
  throwIf = condition: throwIfNot (!condition);

  checkListOfEnum =
    message: allowed: given: value:
    let
      strange = filter (x: !elem x allowed) given;
      quote = xs: concatStringsSep ", " (map toString xs);
    in
    if strange == [ ] then
      value
    else
      throw "${message}: ${quote strange} unexpected; valid ones: ${quote allowed}";

  importJSON = path: builtins.fromJSON (builtins.readFile path);
  importTOML = path: builtins.fromTOML (builtins.readFile path);

  inNixShell = builtins.getEnv "IN_NIX_SHELL" != "";
  inPureEvalMode = !(builtins ? currentSystem);

  # The release of NixOS whose option interface the tree follows; `versions` of the
  # distribution itself stand in the modules under `system.nixos`.
  release = "26.11";
  codeName = "Firn";
  versionSuffix = "";
  version = release + versionSuffix;
  nixpkgsVersion = version;
  revisionWithDefault = fallback: fallback;
  oldestSupportedRelease = 2605;
  isInOldestRelease = oldestSupportedReleaseIsAtLeast;
  oldestSupportedReleaseIsAtLeast = n: n <= oldestSupportedRelease;
}
