# Strings: cutting, escaping, numbers, names.
{ lib }:
{
  concatMapStringsSep = { expr = lib.concatMapStringsSep "-" toString [ 1 2 ]; expected = "1-2"; };
  concatMapAttrsStringSep = { expr = lib.concatMapAttrsStringSep "," (n: v: "${n}:${v}") { a = "1"; b = "2"; }; expected = "a:1,b:2"; };
  splitString = { expr = lib.splitString "." "a.b..c"; expected = [ "a" "b" "" "c" ]; };
  splitStringRegexCharacters = { expr = lib.splitString "$x" "1$x2"; expected = [ "1" "2" ]; };
  splitStringBy = {
    expr = lib.splitStringBy (before: here: here == "_") false "a_bc_d";
    expected = [ "a" "bc" "d" ];
  };
  hasInfix = { expr = map (x: lib.hasInfix x "a.bc") [ "." "bc" "ab" ]; expected = [ true true false ]; };
  hasSuffix = { expr = map (x: lib.hasSuffix x "foo.nix") [ ".nix" "foo.nix" "xfoo.nix" "" ]; expected = [ true true false true ]; };
  removePrefix = { expr = lib.removePrefix "foo." "foo.bar.baz"; expected = "bar.baz"; };
  removeSuffix = { expr = lib.removeSuffix "front" "homefront"; expected = "home"; };
  trim = { expr = lib.trim "  a\n b \t\n"; expected = "a\n b"; };
  trimBlank = { expr = lib.trim " \n"; expected = ""; };
  trimEnd = { expr = lib.trimWith { end = true; } " a "; expected = " a"; };
  toUpper = { expr = lib.toUpper "aBc1"; expected = "ABC1"; };
  toSentenceCase = { expr = lib.toSentenceCase "hELLO world"; expected = "Hello world"; };
  toCamelCase = { expr = map lib.toCamelCase [ "hello-world" "hello_world" "hello world" ]; expected = [ "helloWorld" "helloWorld" "helloWorld" ]; };
  escapeShellArg = { expr = map lib.escapeShellArg [ "a b" "it's" "plain-1.2" "" ]; expected = [ "'a b'" "'it'\\''s'" "plain-1.2" "''" ]; };
  toShellVars = {
    expr = lib.toShellVars { s = "a b"; l = [ 1 "x y" ]; m = { k = "v"; }; };
    expected = "declare -a l=(1 'x y')\ndeclare -A m=([k]=v)\ns='a b'";
  };
  escapeNixString = { expr = lib.escapeNixString "a\"b\${c}\n"; expected = "\"a\\\"b\\\${c}\\n\""; };
  escapeNixIdentifier = { expr = map lib.escapeNixIdentifier [ "hello" "0abc" "if" "a-b'" ]; expected = [ "hello" "\"0abc\"" "\"if\"" "a-b'" ]; };
  escapeURL = { expr = lib.escapeURL "foo/bar baz~"; expected = "foo%2Fbar%20baz~"; };
  escapeXML = { expr = lib.escapeXML ''"test" 'a' < & >''; expected = "&quot;test&quot; &apos;a&apos; &lt; &amp; &gt;"; };
  escapeC = { expr = lib.escapeC [ " " ] "a b"; expected = "a\\x20b"; };
  escapeRegex = { expr = lib.escapeRegex "[^a-z]*"; expected = "\\[\\^a-z]\\*"; };
  toInt = { expr = map lib.toInt [ "1337" " 12 " "-4" ]; expected = [ 1337 12 (-4) ]; };
  toIntOctal = { expr = lib.toInt "024"; expectedError = "leading zero"; };
  toIntBase10 = { expr = map lib.toIntBase10 [ "0024" "0" "00" ]; expected = [ 24 0 0 ]; };
  toIntNot = { expr = lib.toInt "3x"; expectedError = "is not an integer"; };
  versions = {
    expr = [ (lib.versionAtLeast "1.10" "1.9") (lib.versionOlder "1.1" "1.1") (lib.versions.majorMinor "9.3.1") (lib.versions.pad 3 "1.2") ];
    expected = [ true false "9.3" "1.2.0" ];
  };
  fixedWidthNumber = { expr = lib.fixedWidthNumber 5 15; expected = "00015"; };
  levenshtein = { expr = [ (lib.levenshtein "foo" "boo") (lib.levenshtein "kitten" "sitting") (lib.levenshtein "" "ab") ]; expected = [ 1 3 2 ]; };
  levenshteinAtMost = { expr = [ (lib.levenshteinAtMost 0 "a" "a") (lib.levenshteinAtMost 1 "foo" "xxo") (lib.levenshteinAtMost 2 "foo" "xxo") ]; expected = [ true false true ]; };
  sanitizeDerivationName = { expr = map lib.strings.sanitizeDerivationName [ "..hello" "foo/bar" "" "(a b)" ]; expected = [ "hello" "foo-bar" "unknown" "-a-b-" ]; };
  nameFromURL = { expr = lib.nameFromURL "https://x.org/releases/nix-1.7-x.tar.bz2" "-"; expected = "nix"; };
  makeBinPath = { expr = lib.makeBinPath [ "/a" null "/b" ]; expected = "/a/bin:/b/bin"; };
  getName = { expr = [ (lib.getName "hello-2.10") (lib.getVersion { name = "x-1.2"; }) ]; expected = [ "hello" "1.2" ]; };
  hexadecimal = { expr = [ (lib.toHexString 250) (lib.fromHexString "0xFF") ]; expected = [ "FA" 255 ]; };
  toBaseDigits = { expr = lib.toBaseDigits 2 6; expected = [ 1 1 0 ]; };
  intersperse = { expr = lib.intersperse "/" [ "usr" "local" ]; expected = [ "usr" "/" "local" ]; };
  charToInt = { expr = map lib.strings.charToInt [ "a" "~" "\n" ]; expected = [ 97 126 10 ]; };
  textClosure = {
    expr = lib.textClosureMap (x: x) { a = lib.stringAfter [ "b" ] "A"; b = "B"; c = lib.noDepEntry "C"; } [ "a" "b" "c" ];
    expected = "B\nA\nC";
  };
  textClosureCircle = {
    expr = lib.textClosureMap (x: x) { a = lib.stringAfter [ "b" ] "A"; b = lib.stringAfter [ "a" ] "B"; } [ "a" ];
    expectedError = "a -> b -> a";
  };
  path = {
    expr = [
      (toString (lib.path.append /foo "bar/baz"))
      (lib.path.hasPrefix /foo /foo/bar)
      (lib.path.hasPrefix /foo /foobar)
      (lib.path.removePrefix /foo /foo/bar/baz)
      (lib.path.subpath.join [ "a" "./b//c" ])
      (lib.path.subpath.isValid "a/../b")
    ];
    expected = [ "/foo/bar/baz" true false "./bar/baz" "./a/b/c" false ];
  };
}
