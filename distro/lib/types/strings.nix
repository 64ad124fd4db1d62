# Strings and the ways of joining them.
{ lib, base }:
let
  inherit (builtins) concatStringsSep elem isString map match replaceStrings toJSON;
  inherit (base) mkOptionType;
  inherit (lib.options) mergeEqualOption;

  text =
    attrs:
    mkOptionType (
      {
        descriptionClass = "noun";
        check = isString;
        merge = mergeEqualOption;
        passesOneThrough = true;
      }
      // attrs
    );

  separatedString =
    separator:
    text {
      name = "separatedString";
      description = "strings concatenated with ${toJSON separator}";
      merge = _: defs: concatStringsSep separator (map (d: d.value) defs);
      functor = base.defaultFunctor "separatedString" // {
        type = payload: separatedString payload.sep;
        payload = {
          sep = separator;
        };
        binOp = a: b: if a.sep == b.sep then a else null;
      };
    };

  singleLine = s: isString s && match "[^\n\r]*\n?" s != null;

  singleLineStr = text {
    name = "singleLineStr";
    description = "(optionally newline-terminated) single-line string";
    check = singleLine;
    passesOneThrough = false;
    merge = loc: defs: lib.strings.removeSuffix "\n" (mergeEqualOption loc defs);
  };
in
{
  inherit separatedString singleLineStr;

  str = text {
    name = "str";
    description = "string";
  };

  nonEmptyStr = text {
    name = "nonEmptyStr";
    description = "non-empty string";
    check = s: isString s && match "[ \t\n]*" s == null;
  };

  strMatching =
    pattern:
    text {
      name = "strMatching ${lib.strings.escapeNixString pattern}";
      description = "string matching the pattern ${pattern}";
      check = s: isString s && match pattern s != null;
      functor = base.defaultFunctor "strMatching" // {
        type = payload: lib.types.strMatching payload.pattern;
        payload = {
          inherit pattern;
        };
        binOp = a: b: if a == b then a else null;
      };
    };

  lines = separatedString "\n";
  commas = separatedString ",";
  envVar = separatedString ":";
  string = separatedString "";

  # A field of a colon-separated file such as /etc/passwd.
  passwdEntry =
    type:
    base.mkOptionType {
      name = "passwdEntry ${type.name}";
      description = "${base.optionDescriptionPhrase (c: c == "noun") type}, not containing newlines or colons";
      descriptionClass = "nonRestrictiveClause";
      check = s: type.check s && !(lib.strings.hasInfix ":" s || lib.strings.hasInfix "\n" s);
      inherit (type) merge;
    };
}
