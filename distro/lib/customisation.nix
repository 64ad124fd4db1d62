# Packages as functions of their inputs: calling them, overriding them, grouping them.
{ lib }:
let
  inherit (builtins)
    attrNames concatStringsSep filter functionArgs intersectAttrs isAttrs isFunction isString map
    mapAttrs removeAttrs listToAttrs head
    ;
  crossNames = [
    "BuildBuild" "BuildHost" "BuildTarget" "HostHost" "HostTarget" "TargetTarget"
  ];
  crossName = name: lib.strings.toLower (builtins.substring 0 1 name) + builtins.substring 1 (-1) name;
  callable = x: if lib.trivial.isFunction x then x else import x;
in
rec {
  # The result of f with an `override` that calls it again with changed arguments.
  makeOverridable =
    f:
    lib.trivial.mirrorFunctionArgs f (
      arguments:
      let
        result = f arguments;
        changed = new: arguments // (if lib.trivial.isFunction new then new arguments else new);
        override = lib.trivial.mirrorFunctionArgs f (new: makeOverridable f (changed new));
        overrideResult =
          change: makeOverridable (lib.trivial.mirrorFunctionArgs f (args: change (f args))) arguments;
      in
      if isAttrs result then
        result
        // {
          inherit override;
          overrideDerivation = change: overrideResult (drv: overrideDerivation drv change);
        }
        // (
          if result ? overrideAttrs then
            { overrideAttrs = change: overrideResult (drv: drv.overrideAttrs change); }
          else
            { }
        )
      else if lib.trivial.isFunction result then
        (if isAttrs result then result else lib.trivial.setFunctionArgs result (lib.trivial.functionArgs result)) // { inherit override; }
      else
        result
    );

  # Calls a function or file, taking its arguments from `scope` by name.
  callPackageWith =
    scope: function: arguments:
    let
      f = callable function;
      wanted = lib.trivial.functionArgs f;
      given = intersectAttrs wanted scope // arguments;
      missing = filter (name: !wanted.${name} && !(given ? ${name})) (attrNames wanted);
      pos = builtins.unsafeGetAttrPos (head missing) wanted;
      near = lib.modules.suggestionsFor (head missing) (attrNames scope);
    in
    if missing == [ ] then
      makeOverridable f given
    else
      throw (
        "Function called without required argument \"${head missing}\""
        + (if pos != null then " at ${pos.file}:${toString pos.line}" else if isFunction function then "" else " in ${toString function}")
        + (
          if near == [ ] then
            ""
          else
            ", did you mean ${concatStringsSep " or " (map (n: "\"${n}\"") near)}?"
        )
      );

  callPackagesWith =
    scope: function: arguments:
    let
      f = callable function;
      given = intersectAttrs (lib.trivial.functionArgs f) scope // arguments;
      all = f given;
    in
    if lib.attrsets.isDerivation all then
      throw "callPackages: the function gives one package; use callPackage"
    else
      mapAttrs (
        name: _:
        let
          one = makeOverridable (lib.trivial.mirrorFunctionArgs f (args: (f args).${name})) given;
        in
        one
      ) (removeAttrs all [ "override" "overrideDerivation" "recurseForDerivations" ])
      // (intersectAttrs { recurseForDerivations = null; } all);

  overrideDerivation =
    drv: change:
    let
      original = drv.drvAttrs;
      made = derivation (original // change drv);
    in
    (lib.attrsets.filterAttrs (name: _: name == "meta" || name == "passthru") drv)
    // made
    // {
      overrideDerivation = overrideDerivation made;
    };

  extendDerivation =
    condition: passthru: drv:
    let
      names = drv.outputs or [ "out" ];
      one = name: {
        inherit name;
        value =
          drv.${name}
          // passthru
          // {
            outPath =
              assert condition;
              drv.${name}.outPath;
            drvPath =
              assert condition;
              drv.${name}.drvPath;
            outputSpecified = true;
          }
          // all;
      };
      all = listToAttrs (map one names);
    in
    drv
    // all
    // passthru
    // {
      drvPath =
        assert condition;
        drv.drvPath;
      outPath =
        assert condition;
        drv.outPath;
    };

  extendMkDerivation =
    {
      constructDrv,
      excludeDrvArgNames ? [ ],
      excludeFunctionArgNames ? [ ],
      extendDrvArgs,
      inheritFunctionArgs ? true,
      transformDrv ? (x: x),
    }:
    let
      withArgs =
        given:
        transformDrv (
          constructDrv (
            final:
            let
              own = if lib.trivial.isFunction given then given final else given;
            in
            removeAttrs own excludeDrvArgNames // extendDrvArgs final own
          )
        );
    in
    lib.trivial.setFunctionArgs withArgs (
      removeAttrs (
        (if inheritFunctionArgs then lib.trivial.functionArgs constructDrv else { })
        // functionArgs (extendDrvArgs { })
      ) excludeFunctionArgNames
    );

  hydraJob =
    drv: if drv == null then null else removeAttrs drv [ "override" "overrideAttrs" "overrideDerivation" ];

  # The six views that cross compilation takes of a package set.
  mapCrossIndex =
    f: index: mapAttrs (_: f) { inherit (index) buildBuild buildHost buildTarget hostHost hostTarget targetTarget; };
  renameCrossIndexFrom =
    prefix: set:
    listToAttrs (
      map (name: {
        name = crossName name;
        value = set.${prefix + name};
      }) crossNames
    );
  renameCrossIndexTo =
    prefix: index:
    listToAttrs (
      map (name: {
        name = prefix + name;
        value = index.${crossName name};
      }) crossNames
    );

  # A package set of its own, with callPackage and overrideScope.
  makeScope =
    newScope: f:
    let
      self = {
        callPackage = self.newScope { };
      }
      // f self
      // {
        newScope = scope: newScope (self // scope);
        overrideScope = overlay: makeScope newScope (lib.fixedPoints.extends overlay f);
        packages = f;
      };
    in
    self;

  makeScopeWithSplicing =
    splicePackages: newScope: otherSplices: keep: extra: f:
    makeScopeWithSplicing' { inherit splicePackages newScope; } {
      inherit otherSplices keep extra f;
    };
  makeScopeWithSplicing' =
    { splicePackages, newScope }:
    {
      otherSplices,
      keep ? (_: { }),
      extra ? (_: { }),
      f,
    }:
    makeScope newScope (self: f self // extra self // keep self);
}
