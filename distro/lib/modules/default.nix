# The module system: many modules, each declaring and defining options, become one
# configuration.
#
# evaluate.nix ties the knot; collect.nix follows `imports`; declarations.nix joins option
# declarations with definitions, level by level; definitions.nix settles one option;
# properties.nix holds mkIf, mkForce and their kin; renames.nix keeps old option names
# working; messages.nix words every complaint.
#
# The meaning is NixOS's.  The order of definitions, in which lists and lines are joined, is
# part of that meaning: modules are visited breadth first and then reversed, so what is
# imported stands before its importer.
{ lib }:
let
  properties = import ./properties.nix { inherit lib; };
  messages = import ./messages.nix { inherit lib; };
  definitions = import ./definitions.nix { inherit lib properties messages; };
  declarations = import ./declarations.nix {
    inherit lib properties definitions messages;
  };
  collect = import ./collect.nix { inherit lib messages; };
  evaluate = import ./evaluate.nix {
    inherit lib collect declarations messages;
  };
  renames = import ./renames.nix { inherit lib properties; };
in
properties
// {
  inherit (definitions) mergeDefinitions evalOptionValue;
  inherit (declarations) mergeModules mergeModules' mergeOptionDecls fixupOptionType;
  inherit (collect)
    collectModules unifyModuleSyntax setDefaultModuleLocation applyModuleArgsIfFunction
    importApply
    ;
  inherit (evaluate) evalModules;
  conflictMessage = messages.conflict;
  suggestionsFor = messages.suggestions;

  # Data files as modules.
  importJSON = file: {
    _file = file;
    config = lib.trivial.importJSON file;
  };
  importTOML = file: {
    _file = file;
    config = lib.trivial.importTOML file;
  };
}
// renames
