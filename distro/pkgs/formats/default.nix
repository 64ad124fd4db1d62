# Settings formats: for each a type for options and a function that writes a file of them.
#
# `formats.json { }` is { type, generate }, where `generate name value` is a derivation of the file.
# All text is made by evaluation, so nothing is run to write a file.
{ lib, pkgs }:
let
  inherit (lib) types;

  toml = import ./toml.nix { inherit lib; };

  # Values as JSON has them; `extra` are further atoms.
  valueType =
    description: extra:
    let
      value =
        types.nullOr (
          types.oneOf (
            [
              types.bool
              types.int
              types.float
              types.str
              types.path
            ]
            ++ extra
            ++ [
              (types.attrsOf value)
              (types.listOf value)
            ]
          )
        )
        // {
          inherit description;
        };
    in
    value;

  iniAtom = types.nullOr (
    types.oneOf [
      types.bool
      types.int
      types.float
      types.str
    ]
  );

  singleOrList = atom: types.either atom (types.listOf atom);

  iniValue =
    { listsAsDuplicateKeys, listToValue }:
    if listsAsDuplicateKeys then
      singleOrList iniAtom
    else if listToValue != null then
      types.coercedTo iniAtom lib.singleton (types.listOf iniAtom)
    else
      iniAtom;

  # Applies `listToValue` where lists may be given.
  withoutLists =
    listToValue: if listToValue == null then (value: value) else lib.mapAttrs (_: value: if lib.isList value then listToValue value else value);

  iniOptions = arguments: removeAttrs arguments [ "listToValue" "atomsCoercedToLists" ];
in
{
  json =
    { }:
    {
      type = valueType "JSON value" [ ];
      generate = name: value: pkgs.writeText name (builtins.toJSON value + "\n");
    };

  # JSON is YAML, too.
  yaml =
    { }:
    {
      type = valueType "YAML value" [ ];
      generate = name: value: pkgs.writeText name (builtins.toJSON value + "\n");
    };

  toml =
    { }:
    {
      type = valueType "TOML value" [ ];
      generate = name: value: pkgs.writeText name (toml value);
    };

  ini =
    {
      listsAsDuplicateKeys ? false,
      listToValue ? null,
      ...
    }@arguments:
    {
      type = types.attrsOf (types.attrsOf (iniValue { inherit listsAsDuplicateKeys listToValue; }));
      generate =
        name: value:
        pkgs.writeText name (
          lib.generators.toINI (iniOptions arguments) (lib.mapAttrs (_: withoutLists listToValue) value)
        );
    };

  iniWithGlobalSection =
    {
      listsAsDuplicateKeys ? false,
      listToValue ? null,
      ...
    }@arguments:
    let
      value = iniValue { inherit listsAsDuplicateKeys listToValue; };
    in
    {
      type = types.submodule {
        options = {
          sections = lib.mkOption {
            type = types.attrsOf (types.attrsOf value);
            default = { };
            description = "Sections of the file.";
          };
          globalSection = lib.mkOption {
            type = types.attrsOf value;
            default = { };
            description = "Keys before the first section.";
          };
        };
      };
      generate =
        name:
        {
          sections ? { },
          globalSection ? { },
          ...
        }:
        pkgs.writeText name (
          lib.generators.toINIWithGlobalSection (iniOptions arguments) {
            globalSection = withoutLists listToValue globalSection;
            sections = lib.mapAttrs (_: withoutLists listToValue) sections;
          }
        );
    };

  gitIni =
    {
      listsAsDuplicateKeys ? false,
      ...
    }:
    {
      type = types.attrsOf (types.attrsOf (types.either (singleOrList iniAtom) (types.attrsOf (singleOrList iniAtom))));
      generate = name: value: pkgs.writeText name (lib.generators.toGitINI value);
    };

  keyValue =
    {
      listsAsDuplicateKeys ? false,
      listToValue ? null,
      ...
    }@arguments:
    {
      type = types.attrsOf (iniValue { inherit listsAsDuplicateKeys listToValue; });
      generate =
        name: value:
        pkgs.writeText name (
          lib.generators.toKeyValue (iniOptions arguments) (withoutLists listToValue value)
        );
    };

  # Unit files and the configuration of systemd's daemons: a list gives a key several times.
  systemd = {
    type = types.attrsOf (types.attrsOf (singleOrList iniAtom));
    generate = name: value: pkgs.writeText name (lib.generators.toINI { listsAsDuplicateKeys = true; } value);
  };
}
