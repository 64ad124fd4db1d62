# Pieces of text that must stand after other pieces: { text, deps }.
#
# Activation scripts are such pieces.  `textClosureMap` writes the wanted ones after
# everything they depend on, each once.
{ lib }:
let
  inherit (builtins) concatStringsSep elem foldl' isString map;
in
rec {
  fullDepEntry = text: deps: { inherit text deps; };
  noDepEntry = text: fullDepEntry text [ ];
  packEntry = deps: fullDepEntry "" deps;
  stringAfter = deps: text: fullDepEntry text deps;

  # The names in order, dependencies first.
  closureOrder =
    known: wanted:
    let
      visit =
        path: state: name:
        if elem name state then
          state
        else if elem name path then
          throw "These pieces depend on each other in a circle: ${
            concatStringsSep " -> " (path ++ [ name ])
          }"
        else if !(known ? ${name}) then
          throw (
            "The piece `${name}' does not exist"
            + (if path == [ ] then "" else ", but `${lib.lists.last path}' depends on it")
          )
        else
          foldl' (visit (path ++ [ name ])) state (known.${name}.deps or [ ]) ++ [ name ];
    in
    foldl' (visit [ ]) [ ] wanted;

  textClosureList =
    known: wanted: map (name: textOf known.${name}) (closureOrder known wanted);

  textClosureMap =
    f: known: wanted:
    concatStringsSep "\n" (map f (textClosureList known wanted));

  textOf = entry: if isString entry then entry else entry.text;
}
