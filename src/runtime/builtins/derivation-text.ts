/**
 * `derivation`, written in Nix on top of `derivationStrict`: asking for an attribute that is just
 * handed through must not instantiate anything.
 *
 * Traces show lines of this text by number; they stand where users of C++ Nix know them from,
 * which is why the comment at its head has the length that it has.
 */

/** The name under which traces show the text. */
export const derivationFile = 'derivation-internal.nix';

export const derivationText = `/*
  derivation: from a set of attributes to a derivation.

  Attributes:
    name     the name of the derivation and part of the names of its outputs
    system   the kind of machine that can build it
    builder  the program that builds it
    args     the arguments of that program
    outputs  the names of its outputs, "out" alone if not given

  Every other attribute becomes an environment variable of the builder.

  Result:
    The attributes as they were given, and
      drvPath     the path of the store derivation
      outPath     the path of the first output
      outputName  the name of that output
      type        "derivation"
      all         the results for all outputs, as a list
      drvAttrs    the attributes alone
    and for each output, under its name, the same set for that output.

  The store derivation is made when one of its paths is wanted, not
  before: a set of a hundred thousand packages costs only what is used.

  Before that, only the names of the outputs are read, so that all other
  attributes may refer to the result.
*/
drvAttrs@{
  outputs ? [ "out" ],
  ...
}:

let

  strict = derivationStrict drvAttrs;

  # What the results for all outputs have in common.
  commonAttrs =
    drvAttrs
    // builtins.listToAttrs results
    // {
      inherit drvAttrs;
      all = map (result: result.value) results;
    };

  resultFor = outputName: { name = outputName;
    value = commonAttrs // {
      outPath = strict.\${outputName};
      drvPath = strict.drvPath;
      type = "derivation";
      inherit outputName;
    };
  };

  results = map resultFor outputs;

in
(builtins.head results).value
`;
