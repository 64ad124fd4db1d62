# Closures: all the packages that some packages need, resolved together.
#
# A dependency is a clause: a package, or a list of alternatives of which one must be there.  First
# everything that has no choice is followed; then each open clause, in the order met, takes what is
# chosen already, else what is preferred, else its first alternative, whose own needs follow at once.
# The result is sorted and does not depend on the order of the roots.
{ pkgs, get }:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    elem
    filter
    foldl'
    genericClosure
    head
    isList
    isString
    length
    listToAttrs
    map
    removeAttrs
    sort
    substring
    ;

  asPackage = root: if isString root then get root else root;

  # Trees made by us are no Debian packages: they need nothing, and pass through.
  isDebian = package: package ? reference;

  backportsPrefix = "backports/";
  isBackport = reference: substring 0 10 reference == backportsPrefix;

  attrsOfItems =
    items:
    listToAttrs (
      map (item: {
        name = item.key;
        value = item.package;
      }) items
    );

  closureWith =
    {
      # Packages, or names of packages; other derivations pass through.
      roots,
      # Names that are neither taken nor missed.
      exclude ? [ ],
      # Names to take where a clause leaves a choice.
      prefer ? [ ],
      # Whether recommended packages are taken too.
      recommends ? false,
    }:
    let
      packages = map asPackage roots;
      excluded = listToAttrs (
        map (name: {
          inherit name;
          value = null;
        }) exclude
      );

      clausesOf = package: package.depends ++ (if recommends then package.recommends else [ ]);

      itemOf = reference: {
        key = reference;
        package = get reference;
      };

      # What follows from `items` without any choice, beyond what `chosen` has.
      follow =
        chosen: items:
        genericClosure {
          startSet = items;
          operator =
            item:
            map itemOf (
              filter (clause: isString clause && !(chosen ? ${clause}) && !(excluded ? ${clause})) (
                clausesOf item.package
              )
            );
        };

      openClauses = items: concatMap (item: filter isList (clausesOf item.package)) items;

      settle =
        state: clause:
        let
          has =
            name:
            state.chosen ? ${name} || excluded ? ${name} || state.chosen ? ${backportsPrefix + name};
          preferred = filter (name: elem name prefer) clause;
          pick = if preferred != [ ] then head preferred else head clause;
          added = follow state.chosen [ (itemOf pick) ];
        in
        if builtins.any has clause then
          state
        else
          {
            chosen = state.chosen // attrsOfItems added;
            open = state.open ++ openClauses added;
          };

      settleAll =
        state:
        if state.open == [ ] then
          state.chosen
        else
          settleAll (foldl' settle (state // { open = [ ]; }) state.open);

      sorted = sort (a: b: a.key < b.key) (
        map (package: {
          key = package.reference;
          inherit package;
        }) (filter isDebian packages)
      );
      first = if sorted == [ ] then [ ] else follow { } sorted;
      chosen = settleAll {
        chosen = attrsOfItems first;
        open = openClauses first;
      };

      # One version of a name can stand in a tree: that of backports, which somebody asked for.
      superseded = filter (name: chosen ? ${backportsPrefix + name}) (attrNames chosen);
    in
    sort (a: b: a.pname < b.pname) (attrValues (removeAttrs chosen superseded))
    ++ filter (package: !isDebian package) packages;
in
{
  inherit closureWith;

  # The joint closure of packages or names of packages, sorted by name.
  closureOf = roots: closureWith { inherit roots; };

  # Pairs of packages of a closure that Debian says cannot be installed together.
  conflictsIn =
    packages:
    let
      present = listToAttrs (
        map (package: {
          name = package.reference;
          value = null;
        }) (filter isDebian packages)
      );
    in
    concatMap (
      package:
      map (other: {
        inherit package;
        other = get other;
      }) (filter (name: present ? ${name}) package.conflicts)
    ) (filter isDebian packages);
}
