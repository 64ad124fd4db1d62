# Paths, packages and package sets.
{ lib, base }:
let
  inherit (builtins) isAttrs isPath isString match storeDir substring;
  inherit (base) mkOptionType;
  inherit (lib.options) mergeEqualOption mergeOneOption;
  inherit (lib.strings) isStringLike isStorePath;

  startsWithSlash = x: substring 0 1 (toString x) == "/";
  inStoreDirectory = x: match "${storeDir}/[^.].*" (toString x) != null;

  pathWith =
    {
      inStore ? null,
      absolute ? null,
    }:
    if absolute == false && inStore == true then
      throw "pathWith: a path in the store is always absolute"
    else
      mkOptionType {
        name = "path";
        description =
          (if absolute == null then "" else if absolute then "absolute " else "relative ")
          + "path"
          + (if inStore == null then "" else if inStore then " in the Nix store" else " not in the Nix store");
        descriptionClass = "noun";
        check =
          x:
          isStringLike x
          && (absolute == null || startsWithSlash x == absolute)
          && (inStore == null || inStoreDirectory x == inStore);
        merge = mergeEqualOption;
        passesOneThrough = true;
        functor = base.defaultFunctor "path" // {
          type = pathWith;
          payload = {
            inherit inStore absolute;
          };
          binOp = a: b: if a == b then a else null;
        };
      };

  package = mkOptionType {
    name = "package";
    descriptionClass = "noun";
    check = x: lib.attrsets.isDerivation x || isStorePath x;
    merge =
      loc: defs:
      let
        value = mergeOneOption loc defs;
      in
      if
        isPath value || (isString value && !builtins.hasContext value) || (isAttrs value && !lib.attrsets.isDerivation value)
      then
        lib.attrsets.toDerivation value
      else
        value;
  };
in
{
  inherit pathWith package;

  path = pathWith { absolute = true; };
  pathInStore = pathWith { inStore = true; };
  externalPath = pathWith {
    absolute = true;
    inStore = false;
  };

  # A package that can stand as a login shell: it says where its program lies.
  shellPackage = package // {
    check = x: lib.attrsets.isDerivation x && x ? shellPath;
  };

  pkgs = mkOptionType {
    name = "pkgs";
    description = "package set";
    descriptionClass = "noun";
    check = x: isAttrs x && x._type or "pkgs" == "pkgs" && x ? lib;
    merge = mergeOneOption;
  };

  fileset = mkOptionType {
    name = "fileset";
    descriptionClass = "noun";
    check = lib.fileset.isFileset;
    merge = _: defs: lib.fileset.unions (map (d: d.value) defs);
    emptyValue.value = lib.fileset.empty;
  };
}
