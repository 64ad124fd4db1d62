# Strings: joining, cutting, searching, converting.
#
# Escaping for other languages stands in strings-escaping.nix; names, versions and search
# paths in strings-names.nix.  All three make up `lib.strings`.
{ lib }:
let
  inherit (builtins)
    attrNames concatMap concatStringsSep elem elemAt filter foldl' fromJSON genList head isAttrs
    isFloat isInt isList isPath isString length listToAttrs map match replaceStrings split
    stringLength substring tail typeOf
    ;

  lower = lowerChars;
  upper = upperChars;
  lowerChars = stringToCharacters "abcdefghijklmnopqrstuvwxyz";
  upperChars = stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  stringToCharacters = s: genList (i: substring i 1 s) (stringLength s);

  codes = import ./ascii-table.nix;
in
rec {
  inherit (builtins)
    compareVersions concatStringsSep elem elemAt filter fromJSON genList head isAttrs isInt isList
    isPath isString length match parseDrvName readFile replaceStrings split stringLength
    substring tail toJSON typeOf unsafeDiscardStringContext concatMap
    ;
  inherit (builtins) storeDir;
  inherit lowerChars upperChars stringToCharacters;

  # Joining.
  concatStrings = concatStringsSep "";
  concatMapStrings = f: xs: concatStringsSep "" (map f xs);
  concatMapStringsSep = sep: f: xs: concatStringsSep sep (map f xs);
  concatImapStrings = f: xs: concatStringsSep "" (lib.lists.imap1 f xs);
  concatImapStringsSep = sep: f: xs: concatStringsSep sep (lib.lists.imap1 f xs);
  concatMapAttrsStringSep =
    sep: f: set:
    concatStringsSep sep (map (name: f name set.${name}) (attrNames set));
  concatLines = concatMapStrings (line: line + "\n");
  join = concatStringsSep;
  intersperse =
    sep: xs:
    if length xs < 2 then
      xs
    else
      tail (
        concatMap (x: [
          sep
          x
        ]) xs
      );
  replicate = n: s: concatStringsSep "" (genList (_: s) n);
  optionalString = condition: s: if condition then s else "";

  # Prefixes, suffixes, parts.
  hasPrefix = prefix: s: substring 0 (stringLength prefix) s == prefix;
  hasSuffix =
    suffix: s:
    let
      size = stringLength s;
      sizeSuffix = stringLength suffix;
    in
    size >= sizeSuffix && substring (size - sizeSuffix) size s == suffix;
  hasInfix = infix: s: length (split (lib.strings.escapeRegex infix) "${s}") > 1;
  removePrefix =
    prefix: s:
    let
      size = stringLength prefix;
    in
    if substring 0 size s == prefix then substring size (-1) s else s;
  removeSuffix =
    suffix: s:
    if hasSuffix suffix s then substring 0 (stringLength s - stringLength suffix) s else s;
  splitString =
    sep: s:
    if sep == "" then
      [ s ]
    else
      let
        text = toString s;
      in
      map (appendContextOf text) (
        filter isString (split (lib.strings.escapeRegex (toString sep)) text)
      );
  splitStringBy =
    isBoundary: keep: s:
    let
      count = stringLength s;
      go =
        i: start: made:
        if i == count then
          made ++ [ (substring start (count - start) s) ]
        else
          let
            before = if i == 0 then "" else substring (i - 1) 1 s;
            here = substring i 1 s;
          in
          if isBoundary before here then
            go (i + 1) (if keep then i else i + 1) (made ++ [ (substring start (i - start) s) ])
          else
            go (i + 1) start made;
    in
    go 0 0 [ ];
  commonPrefixLength =
    a: b:
    let
      most = lib.trivial.min (stringLength a) (stringLength b);
      go = i: if i < most && substring i 1 a == substring i 1 b then go (i + 1) else i;
    in
    go 0;
  commonSuffixLength =
    a: b:
    let
      sizeA = stringLength a;
      sizeB = stringLength b;
      most = lib.trivial.min sizeA sizeB;
      go =
        i:
        if i < most && substring (sizeA - i - 1) 1 a == substring (sizeB - i - 1) 1 b then
          go (i + 1)
        else
          i;
    in
    go 0;

  # Whitespace at the ends.
  trim = trimWith {
    start = true;
    end = true;
  };
  trimWith =
    {
      start ? false,
      end ? false,
    }:
    s:
    let
      white = "[ \t\r\n]*";
      found = match "${if start then white else ""}(${
        if end then "|.*[^ \t\r\n]" else ".*"
      })${if end then white else ""}" s;
    in
    if found == null then "" else head found;

  # Replacing and changing case.
  replaceString = from: to: replaceStrings [ from ] [ to ];
  stringAsChars = f: s: concatStringsSep "" (map f (stringToCharacters s));
  toLower = replaceStrings upper lower;
  toUpper = replaceStrings lower upper;
  toSentenceCase =
    s: toUpper (substring 0 1 s) + toLower (substring 1 (stringLength s) s);
  toCamelCase =
    s:
    let
      words = filter (word: word != "") (filter isString (split "[-_ ]+" s));
      spread = concatMap (
        word: map (piece: if isList piece then head piece else piece) (
          filter (piece: piece != "") (split "([A-Z]?[^A-Z]*)" word)
        )
      ) words;
      pieces = filter (piece: piece != "") spread;
    in
    if pieces == [ ] then
      ""
    else
      toLower (head pieces) + concatStringsSep "" (map toSentenceCase (tail pieces));
  charToInt = c: codes.${c};

  fixedWidthString =
    width: filler: s:
    let
      size = stringLength s;
      missing = width - size;
    in
    if missing < 0 then
      throw "fixedWidthString: `${s}' is longer than ${toString width} characters"
    else if missing == 0 then
      s
    else
      filler + fixedWidthString (width - stringLength filler) filler s;
  fixedWidthNumber = width: n: fixedWidthString width "0" (toString n);

  # What can stand for a string.
  isStringLike = x: isString x || isPath x || x ? outPath || x ? __toString;
  isConvertibleWithToString =
    x:
    isStringLike x
    || elem (typeOf x) [
      "null"
      "int"
      "float"
      "bool"
    ]
    || (isList x && builtins.all isConvertibleWithToString x);
  isStorePath =
    x:
    if isStringLike x then
      let
        text = toString x;
      in
      substring 0 1 text == "/"
      && (
        dirOf text == builtins.storeDir
        # Content-addressed outputs that are not yet built.
        || match "/[0-9a-df-np-sv-z]{52}" text != null
      )
    else
      false;

  # Numbers.
  toInt =
    s:
    let
      digits = match "[[:space:]]*(-?[[:digit:]]+)[[:space:]]*" s;
      leadingZero = match "[[:space:]]*0[[:digit:]]+[[:space:]]*" s != null;
      value = fromJSON (head digits);
    in
    if digits == null then
      throw "toInt: `${s}' is not an integer"
    else if leadingZero then
      throw "toInt: `${s}' could be octal or decimal because of its leading zero; toIntBase10 reads it as decimal"
    else
      value;
  toIntBase10 =
    s:
    let
      digits = match "[[:space:]]*0*(-?[[:digit:]]+)[[:space:]]*" s;
    in
    if match "[[:space:]]*0+[[:space:]]*" s != null then
      0
    else if digits == null then
      throw "toIntBase10: `${s}' is not an integer"
    else
      fromJSON (head digits);
  floatToString =
    x:
    let
      text = toString x;
      exact = builtins.toJSON x;
    in
    if fromJSON text == x then text else exact;

  # Context: which store paths a string stands for.
  appendContextOf =
    source: s: if builtins.hasContext source then substring 0 0 source + s else s;
  addContextFrom = source: target: substring 0 0 source + target;
  inherit (builtins) appendContext;

  fileContents = file: removeSuffix "\n" (builtins.readFile file);

  # Edit distance.
  levenshtein =
    a: b:
    let
      sizeA = stringLength a;
      sizeB = stringLength b;
      charsB = stringToCharacters b;
      # One row of the table from the row above it.
      nextRow =
        above: i:
        let
          here = substring i 1 a;
          cells = genList (
            j:
            let
              diagonal = elemAt above j + (if elemAt charsB j == here then 0 else 1);
              left = (if j == 0 then i + 1 else elemAt cells (j - 1)) + 1;
              top = elemAt above (j + 1) + 1;
              least = if left < top then left else top;
            in
            if diagonal < least then diagonal else least
          ) sizeB;
        in
        [ (i + 1) ] ++ cells;
      rows = foldl' nextRow (genList (j: j) (sizeB + 1)) (genList (i: i) sizeA);
    in
    elemAt rows sizeB;

  levenshteinAtMost =
    limit: a: b:
    let
      difference = stringLength a - stringLength b;
    in
    if limit < 0 || difference > limit || -difference > limit then
      false
    else if limit == 0 then
      a == b
    else
      levenshtein a b <= limit;
}
