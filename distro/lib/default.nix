# The library: every function that modules and user configurations reach as `lib.<name>`.
#
# Each file holds one namespace and receives the finished library as `lib`, so that an
# extension (`lib.extend`) is seen by the functions inside too.  The most used namespaces
# are also flattened into the top level, as configurations expect.
#
# Invariant: evaluable by C++ Nix 2.8 and by anything newer; nothing here reads a
# derivation's output or depends on the host, on a clock or on the environment.
let
  inherit (import ./fixed-points.nix { lib = null; }) makeExtensible;

  # What evaluators offer and the library passes on under the same name.
  passedOn = {
    inherit (builtins)
      add addErrorContext all any attrNames attrValues baseNameOf bitAnd bitOr bitXor catAttrs
      ceil compareVersions concatLists concatMap concatStringsSep deepSeq dirOf div elem elemAt
      filter filterSource floor foldl' fromJSON fromTOML functionArgs genList genericClosure
      getAttr getContext groupBy hasAttr hasContext hashFile hashString head intersectAttrs
      isAttrs isBool isFloat isInt isList isPath isString length lessThan listToAttrs map
      mapAttrs match mul parseDrvName partition pathExists placeholder readDir readFile
      removeAttrs replaceStrings seq sort split splitVersion stringLength sub substring tail
      toFile toJSON toString toXML trace tryEval typeOf unsafeDiscardStringContext
      unsafeGetAttrPos zipAttrsWith
      ;
  };
in
makeExtensible (
  lib:
  let
    load = file: import file { inherit lib; };

    namespaces = {
      trivial = load ./trivial.nix;
      fixedPoints = load ./fixed-points.nix;
      attrsets = load ./attrsets.nix;
      lists = load ./lists.nix;
      strings = load ./strings.nix // load ./strings-escaping.nix // load ./strings-names.nix;
      stringsWithDeps = load ./strings-with-deps.nix;
      customisation = load ./customisation.nix;
      derivations = load ./derivations.nix;
      asserts = load ./asserts.nix;
      debug = load ./debug.nix;
      meta = load ./meta.nix;
      sources = load ./sources.nix;
      filesystem = load ./filesystem.nix;
      fileset = load ./fileset.nix;
      path = load ./path.nix;
      versions = load ./versions.nix;
      generators = load ./generators.nix;
      gvariant = load ./gvariant.nix;
      cli = load ./cli.nix;
      kernel = load ./kernel.nix;
      network = load ./network.nix;
      systems = load ./systems.nix;
      platforms = lib.systems.doubles;
      licenses = load ./licenses.nix;
      maintainers = import ./maintainers.nix;
      teams = { };
      sourceTypes = load ./source-types.nix;
      options = load ./options.nix;
      modules = load ./modules;
      types = load ./types;
      fetchers = load ./fetchers.nix;
    };

    # Later ones win where two namespaces share a name.
    flattened =
      with namespaces;
      passedOn
      // sources
      // filesystem
      // lists
      // attrsets
      // strings
      // { inherit (lists) replicate; }
      // stringsWithDeps
      // customisation
      // derivations
      // meta
      // debug
      // { inherit (asserts) assertMsg assertOneOf assertEachOneOf checkAssertWarn; }
      // fromElsewhere
      // trivial
      // fixedPoints
      // options
      // modules
      // {
        inherit (types)
          isType setType isOptionType mkOptionType defaultTypeMerge defaultFunctor
          ;
      };

    fromElsewhere = {
      inherit (namespaces.generators) mkLuaInline;
      inherit (namespaces.fetchers) fakeHash fakeSha256 fakeSha512;
      inherit (namespaces.network.ipv6) mkEUI64Suffix;

      # A system from modules, as flakes write it: nixosSystem { modules = [ … ]; }.
      nixosSystem =
        arguments:
        import ../nixos/lib/eval-config.nix (
          {
            inherit lib;
            system = null;
          }
          // arguments
        );
    };
  in
  flattened // namespaces
)
