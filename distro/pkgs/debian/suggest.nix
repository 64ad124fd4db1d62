# "Did you mean …": names close to one that does not exist.
#
# Of some 70,000 names only those that begin alike, or contain the wanted one, are looked at; they
# are ranked by the number of two-letter pieces that they share with it.
names: wanted:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    genList
    length
    listToAttrs
    match
    replaceStrings
    sort
    stringLength
    substring
    ;

  size = stringLength wanted;
  lower = replaceStrings [ "_" ] [ "-" ] wanted;
  start = substring 0 2 lower;
  plain = match "[a-z0-9-]+" lower != null && size >= 3;

  isNear =
    name:
    let
      difference = stringLength name - size;
    in
    (substring 0 2 name == start && difference <= 3 && difference >= -3)
    || (plain && difference <= 8 && match ".*${lower}.*" name != null);

  pieces =
    name:
    listToAttrs (
      genList (i: {
        name = substring i 2 name;
        value = null;
      }) (stringLength name)
    );

  wantedPieces = pieces lower;

  # Shared pieces count twice; pieces that only one of the two has count against it.
  score =
    name:
    let
      own = pieces name;
      shared = length (attrNames (builtins.intersectAttrs own wantedPieces));
    in
    3 * shared - length (attrNames own) - length (attrNames wantedPieces);

  ranked = sort (a: b: a.score > b.score || (a.score == b.score && a.name < b.name)) (
    filter (entry: entry.score > 0) (
      map (name: {
        inherit name;
        score = score name;
      }) (filter isNear (attrNames names))
    )
  );

  take = count: list: genList (builtins.elemAt list) (if length list < count then length list else count);
  close = map (entry: entry.name) (take 3 ranked);
in
if close == [ ] then "" else "; did you mean ${concatStringsSep ", " close}?"
