# Texts for other programs.
{ lib }:
{
  toKeyValue = { expr = lib.generators.toKeyValue { } { a = 1; b = true; c = "x"; }; expected = "a=1\nb=true\nc=x\n"; };
  toKeyValueLists = { expr = lib.generators.toKeyValue { listsAsDuplicateKeys = true; } { a = [ 1 2 ]; }; expected = "a=1\na=2\n"; };
  toINI = {
    expr = lib.generators.toINI { } { foo = { hi = "1"; ciao = "bar"; }; baz."also, integers" = 42; };
    expected = "[baz]\nalso, integers=42\n\n[foo]\nciao=bar\nhi=1\n";
  };
  toINIWithGlobalSection = {
    expr = lib.generators.toINIWithGlobalSection { } { globalSection.a = 1; sections.s.b = 2; };
    expected = "a=1\n\n[s]\nb=2\n";
  };
  toGitINI = {
    expr = lib.generators.toGitINI { user.name = "A B"; url."ssh://x".insteadOf = "https://x"; core.bare = false; };
    expected = "[core]\n\tbare = false\n\n[url \"ssh://x\"]\n\tinsteadOf = \"https://x\"\n\n[user]\n\tname = \"A B\"\n";
  };
  listInPlainValue = { expr = lib.generators.toKeyValue { } { a = [ 1 ]; }; expectedError = "a list cannot be written as a plain value"; };
  toPretty = {
    expr = lib.generators.toPretty { } { a = [ 1 "x" ]; e = { }; f = { y, z ? 1 }: y; n = null; s = "two\nlines"; };
    expected = builtins.concatStringsSep "\n" [
      "{" "  a = [" "    1" "    \"x\"" "  ];" "  e = { };" "  f = <function, args: {y, z?}>;" "  n = null;"
      "  s = ''" "    two" "    lines'';" "}"
    ];
  };
  toPrettyOneLine = {
    expr = lib.generators.toPretty { multiline = false; } { a = [ 1 true ]; "b c" = null; };
    expected = ''{ a = [ 1 true ]; "b c" = null; }'';
  };
  withRecursion = {
    expr = lib.generators.toPretty { multiline = false; } (
      lib.generators.withRecursion { depthLimit = 1; throwOnDepthLimit = false; } { a.b = 1; c = 2; }
    );
    expected = ''{ a = { b = "<unevaluated>"; }; c = "<unevaluated>"; }'';
  };
  toLua = {
    expr = lib.generators.toLua { multiline = false; } { a = [ 1 "b" ]; f = lib.mkLuaInline "function() end"; n = null; };
    expected = ''{ ["a"] = { 1, "b" }, ["f"] = (function() end), ["n"] = nil }'';
  };
  toPlist = {
    expr = lib.hasInfix "<key>a</key>\n\t<integer>1</integer>" (lib.generators.toPlist { } { a = 1; });
    expected = true;
  };
  gvariant = {
    expr = map toString [ (lib.gvariant.mkValue "it's") (lib.gvariant.mkUint32 3) (lib.gvariant.mkArray [ 1 2 ]) (lib.gvariant.mkTuple [ "a" true ]) (lib.gvariant.mkEmptyArray "s") ];
    expected = [ "'it\\'s'" "@u 3" "@ai [1,2]" "@(sb) ('a',true)" "@as []" ];
  };
  gnuCommandLine = {
    expr = lib.cli.toGNUCommandLine { } { data = "x y"; X = "PUT"; retry = 3; url = [ "a" "b" ]; verbose = true; silent = false; none = null; };
    expected = [ "-X" "PUT" "--data" "x y" "--retry" "3" "--url" "a" "--url" "b" "--verbose" ];
  };
  gnuCommandLineShell = {
    expr = lib.cli.toGNUCommandLineShell { } { data = "x y"; };
    expected = "--data 'x y'";
  };
}
