# Derivations handled as values.
{ lib }:
{
  inherit (builtins) unsafeDiscardOutputDependency;
  addDrvOutputDependencies =
    builtins.addDrvOutputDependencies
      or (_: throw "addDrvOutputDependencies is not known to this evaluator");

  # A package whose metadata can be read before its derivation is evaluated.
  lazyDerivation =
    args@{
      derivation,
      meta ? null,
      passthru ? { },
      outputs ? [ "out" ],
    }:
    let
      outputSet = lib.attrsets.genAttrs outputs (name: derivation.${name});
    in
    {
      type = "derivation";
      inherit (derivation) drvPath name outPath system outputName;
      inherit outputs;
    }
    // outputSet
    // passthru
    // (if args ? meta then { inherit meta; } else { inherit (derivation) meta; });

  optionalDrvAttr = condition: value: if condition then value else null;

  warnOnInstantiate =
    message: drv:
    drv
    // {
      drvPath = lib.trivial.warn message drv.drvPath;
      outPath = lib.trivial.warn message drv.outPath;
    };
}
