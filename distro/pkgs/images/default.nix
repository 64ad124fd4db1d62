# Functions that make images and the parts of them, each one derivation of a builtin builder.
#
# They are called with `lib` and return a set to be merged into pkgs. A derivation here holds all
# that decides its bytes: the builders add nothing of the host. Names follow nixpkgs where it has
# the function (makeInitrd, makeModulesClosure); the arguments say what each takes.
{ lib }:

let
  # Structured attributes keep lists, numbers and nested sets as they are.
  builtinDerivation =
    builder: arguments: passthru:
    derivation (
      {
        system = "builtin";
        builder = "builtin:${builder}";
        __structuredAttrs = true;
      }
      // arguments
    )
    // passthru;

  without = lib.filterAttrs (_: value: value != null);
in
rec {
  # The index files (modules.dep and its kind) of a kernel package, as depmod makes them.
  # The output has lib/modules/VERSION with the index files alone.
  makeModuleIndex =
    {
      kernel,
      name ? "module-index",
      version ? null,
      # "lib" or "usr/lib"
      prefix ? "lib",
    }:
    builtinDerivation "depmod" (without {
      inherit name version prefix;
      kernel = "${kernel}";
    }) { };

  # The modules that rootModules need, in lib/modules/VERSION with a complete index, and the
  # firmware they name in lib/firmware; `insmod-list` names them in load order.
  makeModulesClosure =
    {
      kernel,
      rootModules,
      firmware ? [ ],
      allowMissing ? false,
      name ? "kernel-modules-closure",
      version ? null,
      # Decompressed modules make a smaller initrd.
      decompress ? true,
      index ? makeModuleIndex { inherit kernel version; },
    }:
    builtinDerivation "modules-closure" (without {
      inherit
        name
        version
        rootModules
        allowMissing
        decompress
        ;
      kernel = "${kernel}";
      index = "${index}";
      firmware = map (package: "${package}") (if lib.isList firmware then firmware else [ firmware ]);
    }) { };

  # An initrd: $out/initrd. An entry of `contents` is one of
  #   { path; source; mode ? }              a file (links are followed)
  #   { path; text; mode ? }                a file with this text
  #   { path; type = "tree"; source; }      all of a directory
  #   { path; type = "link"; target; }
  #   { path; type = "directory"; mode ? }
  #   { path; type = "char" or "block"; major; minor; mode ? }
  # with modes as octal strings. A later entry replaces what an earlier tree brought.
  makeInitrd =
    {
      contents,
      name ? "initrd",
      # "zstd -19", "gzip -9" or "none"
      compression ? "zstd -19",
      # Files of uncompressed archives to go before (microcode).
      prepend ? [ ],
    }:
    builtinDerivation "initrd" {
      inherit name compression;
      contents = map entry contents;
      prepend = map (archive: "${archive}") prepend;
    } { };

  # Sources become strings, so that a package and a path below one are both accepted.
  entry =
    attributes: attributes // (if attributes ? source then { source = "${attributes.source}"; } else { });
}
