# What modules say about themselves.
{ lib, ... }:
let
  listOfMaintainers = lib.mkOptionType {
    name = "list of maintainers";
    check = builtins.isList;
    merge = _: lib.concatMap (d: d.value);
  };
in
{
  options.meta = {
    maintainers = lib.mkOption {
      type = listOfMaintainers;
      internal = true;
      default = [ ];
      description = "Who looks after a module.";
    };
    teams = lib.mkOption {
      type = listOfMaintainers;
      internal = true;
      default = [ ];
      description = "Teams that look after a module.";
    };
    doc = lib.mkOption {
      type = lib.types.raw;
      internal = true;
      default = null;
      description = "A module's chapter of the manual.";
    };
    buildDocsInSandbox = lib.mkOption {
      type = lib.types.bool;
      internal = true;
      default = true;
      description = "Accepted for compatibility.";
    };
  };
}
