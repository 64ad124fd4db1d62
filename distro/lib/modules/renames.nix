# Old option names that go on working, and those that no longer can.
#
# Each function makes a module.  An alias hands its definitions over with their priorities;
# a rename also says so in `warnings`, where the evaluation has that option.
{ lib, properties }:
let
  inherit (builtins) isString map toString;
  inherit (lib.attrsets)
    attrByPath getAttrFromPath hasAttrByPath optionalAttrs setAttrByPath
    ;
  inherit (lib.options) isOption mkOption showFiles showOption;
  inherit (lib) types;
  inherit (properties)
    defaultOverridePriority mkIf mkMerge mkOptionDefault mkOverride mkDefault mapDefinitionValue
    ;
in
rec {
  mkAliasDefinitions = mkAliasAndWrapDefinitions (x: x);

  # The definitions keep the files they were written in, for messages.
  handOver =
    mark: wrap: option:
    mkAliasIfDef option (
      wrap (
        mkMerge (
          map (
            d:
            properties.mkDefinition {
              inherit (d) file;
              pos = d.pos or null;
              value = mark d.value;
            }
          ) option.definitionsWithLocations
        )
      )
    );

  mkAliasAndWrapDefinitions = handOver (x: x);

  mkAliasAndWrapDefsWithPriority =
    wrap: option: handOver (mkOverride (option.highestPrio or defaultOverridePriority)) wrap option;

  mkAliasIfDef = option: mkIf (isOption option && option.isDefined);

  # What an option is set to, applied to f, at the priority it was set with.
  mkDerivedConfig =
    option: f:
    mkOverride (option.highestPrio or defaultOverridePriority) (f option.value);

  # Definitions of an attrsOf option as { name = { value, highestPrio }; }.
  mergeAttrDefinitionsWithPrio =
    option:
    let
      byName = builtins.zipAttrsWith (_: found: found) (
        map (
          d:
          builtins.mapAttrs (_: value: {
            inherit (d) file;
            inherit value;
          }) d.value
        ) option.definitionsWithLocations
      );
    in
    builtins.mapAttrs (
      name: defs:
      let
        merged = lib.modules.mergeDefinitions (option.loc ++ [ name ]) option.type.nestedTypes.elemType defs;
      in
      {
        inherit (merged.defsFinal') highestPrio;
        value = merged.mergedValue;
      }
    ) byName;

  doRename =
    {
      from,
      to,
      visible,
      warn,
      use,
      withPriority ? true,
      condition ? true,
    }:
    { config, options, ... }:
    let
      old = getAttrFromPath from options;
      value = attrByPath to (throw "Renaming error: option `${showOption to}' does not exist.");
      newType =
        let
          new = attrByPath to { } options;
        in
        new.type or (types.submodule { });
      hand =
        if withPriority then mkAliasAndWrapDefsWithPriority else mkAliasAndWrapDefinitions;
    in
    {
      options = setAttrByPath from (
        mkOption {
          inherit visible;
          description = "Alias of {option}`${showOption to}`.";
          apply = _: use (value config);
          type = newType;
        }
      );
      config = mkIf condition (mkMerge [
        (optionalAttrs (options ? warnings) {
          warnings =
            if warn && old.isDefined then
              [
                "The option `${showOption from}' defined in ${showFiles old.files} has been renamed to `${showOption to}'."
              ]
            else
              [ ];
        })
        (hand (setAttrByPath to) old)
      ]);
    };

  mkRenamedOptionModule =
    from: to:
    doRename {
      inherit from to;
      visible = false;
      warn = true;
      use = builtins.trace "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'.";
    };

  mkRenamedOptionModuleWith =
    {
      from,
      to,
      sinceRelease,
    }:
    doRename {
      inherit from to;
      visible = false;
      warn = lib.trivial.oldestSupportedReleaseIsAtLeast sinceRelease;
      use =
        if lib.trivial.oldestSupportedReleaseIsAtLeast sinceRelease then
          builtins.trace "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'."
        else
          x: x;
    };

  mkAliasOptionModule =
    from: to:
    doRename {
      inherit from to;
      visible = true;
      warn = false;
      use = x: x;
    };
  mkAliasOptionModuleMD = mkAliasOptionModule;

  mkRemovedOptionModule =
    name: instructions:
    { options, ... }:
    let
      option = getAttrFromPath name options;
    in
    {
      options = setAttrByPath name (
        mkOption {
          visible = false;
          type = types.unspecified;
          apply =
            _:
            throw "The option `${showOption name}' can no longer be used since it's been removed. ${instructions}";
        }
      );
      config.assertions = [
        {
          assertion = !option.isDefined;
          message = ''
            The option definition `${showOption name}' in ${showFiles option.files} no longer has any effect; please remove it.
            ${instructions}'';
        }
      ];
    };

  # Several old options become one; the values come from a function of the configuration.
  mkMergedOptionModule =
    from: to: mergeFn:
    { config, options, ... }:
    {
      options = builtins.foldl' lib.attrsets.recursiveUpdate { } (
        map (
          path:
          setAttrByPath path (mkOption {
            visible = false;
            # A value that no user can give marks the option as unset.
            default = "_mkMergedOptionModule";
            type = types.unspecified;
          })
        ) from
      );
      config =
        let
          used = builtins.filter (
            path:
            let
              value = getAttrFromPath path config;
            in
            !(isString value && value == "_mkMergedOptionModule")
          ) from;
        in
        {
          warnings = map (
            path:
            "The option `${showOption path}' defined in ${showFiles (getAttrFromPath path options).files} has been changed to `${showOption to}' that has a different type. Please read `${showOption to}' documentation and update your configuration accordingly."
          ) used;
        }
        // setAttrByPath to (mkMerge (if used == [ ] then [ ] else [ (mergeFn config) ]));
    };

  mkChangedOptionModule =
    from: to: changeFn:
    mkMergedOptionModule [ from ] to changeFn;
}
