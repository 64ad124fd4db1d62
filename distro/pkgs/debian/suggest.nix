# "Did you mean …": names close to one that does not exist.
#
# Of some 70,000 names only those of a similar length that share its first or last letters, or that
# contain it, are looked at.  They are ranked by the letters and the pairs of letters that they have
# in common with it, so that two exchanged letters cost little; a name that continues the wanted one
# after a dash comes high, because Debian splits packages so (openssh-client).
names: wanted:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elemAt
    filter
    genList
    intersectAttrs
    length
    listToAttrs
    match
    replaceStrings
    sort
    stringLength
    substring
    ;

  lower = replaceStrings [ "_" ] [ "-" ] wanted;
  size = stringLength lower;
  plain = match "[a-z0-9-]+" lower != null && size >= 3;

  first = substring 0 1;
  end = name: substring (stringLength name - 2) 2 name;

  isNear =
    name:
    let
      difference = stringLength name - size;
    in
    (difference <= 2 && difference >= -2 && (first name == first lower || end name == end lower))
    || (plain && difference > 0 && difference <= 10 && match "(.*-)?${lower}(-.*)?" name != null);

  set =
    list:
    listToAttrs (
      map (name: {
        inherit name;
        value = null;
      }) list
    );
  letters = name: set (genList (i: substring i 1 name) (stringLength name));
  pairs = name: set (genList (i: substring i 2 name) (stringLength name));
  count = attrs: length (attrNames attrs);

  ownLetters = letters lower;
  ownPairs = pairs lower;

  # From 0 to 100, how much of both names is common.
  common = own: other: 200 * count (intersectAttrs own other) / (count own + count other);

  score =
    name:
    let
      difference = stringLength name - size;
    in
    if name == lower then
      1000
    else
      common ownLetters (letters name)
      + common ownPairs (pairs name)
      + (if substring 0 size name == lower then 40 else 0)
      - 8 * (if difference < 0 then -difference else difference);

  ranked = sort (a: b: a.score > b.score || (a.score == b.score && a.name < b.name)) (
    filter (entry: entry.score >= 100) (
      map (name: {
        inherit name;
        score = score name;
      }) (filter isNear (attrNames names))
    )
  );

  take = limit: list: genList (elemAt list) (if length list < limit then length list else limit);
  close = map (entry: entry.name) (take 3 ranked);
in
if close == [ ] then "" else "; did you mean ${concatStringsSep ", " close}?"
