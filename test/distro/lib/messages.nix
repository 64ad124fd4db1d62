# What is said when a configuration does not fit together: the phrases users know, the places, the
# way out.
{ lib }:
let
  inherit (lib) mkOption types;
  options = ./modules/options.nix;
  get = modules: (lib.evalModules { modules = [ options ] ++ modules; }).config;
  host = config: { _file = "/host.nix"; inherit config; };
in
{
  conflict = {
    expr = (get [ ./modules/host.nix ./modules/profile.nix ]).services.web.port;
    expectedError = [
      "The option `services.web.port' has conflicting definition values:"
      "modules/host.nix' (line 3): 8080"
      "modules/profile.nix' (line 4): 9090"
      "priority 100"
      "services.web.port = lib.mkForce value;"
    ];
  };
  conflictOfForced = {
    expr = (get (map (n: host { services.web.port = lib.mkForce n; }) [ 1 2 ])).services.web.port;
    expectedError = [ "priority 50: mkForce" "services.web.port = lib.mkOverride 49 value;" ];
  };
  conflictOfDefaults = {
    expr = (get (map (n: host { services.web.port = lib.mkDefault n; }) [ 1 2 ])).services.web.port;
    expectedError = [ "priority 1000: mkDefault" "services.web.port = value;" ];
  };
  unknown = {
    expr = (get [ (host { services.web.prot = 1; }) ]).networking;
    expectedError = [ "The option `services.web.prot' does not exist. Definition values:" "- In `/host.nix': 1" "Did you mean `services.web.port'?" ];
  };
  unknownAllAtOnce = {
    expr = (get [ (host { services.web.enabel = true; servces.web.port = 1; }) ]).networking;
    expectedError = [ "Did you mean `services.web.enable'?" "Did you mean `services'?" ];
  };
  unknownElsewhere = {
    expr = (get [ (host { hostName = "x"; }) ]).networking;
    expectedError = [ "The option `hostName' does not exist." "`networking.hostName'" ];
  };
  unknownInSubmodule = {
    expr = (get [ (host { services.web.users.joe.aeg = 3; }) ]).services.web.users;
    expectedError = [ "The option `services.web.users.joe.aeg' does not exist." "Did you mean `services.web.users.joe.age'?" ];
  };
  wrongType = {
    expr = (get [ (host { services.web.enable = "yes"; }) ]).services.web.enable;
    expectedError = [ "A definition for option `services.web.enable' is not of type `boolean'. Definition values:" "- In `/host.nix': \"yes\"" "Write `true' without quotes" ];
  };
  wrongTypeOfNumber = {
    expr = (get [ (host { services.web.port = "80"; }) ]).services.web.port;
    expectedError = [ "is not of type `16 bit unsigned integer; between 0 and 65535 (both inclusive)'" ];
  };
  wrongTypeOfList = {
    expr = (get [ (host { services.web.names = "a"; }) ]).services.web.names;
    expectedError = [ "is not of type `list of string'" "`[ … ]'" ];
  };
  wrongTypeOfElement = {
    expr = (get [ (host { services.web.names = [ "a" 3 ]; }) ]).services.web.names;
    expectedError = [ "services.web.names.\"[definition 1-entry 2]\"' is not of type `string'" ];
  };
  belowAnOption = {
    expr = (get [ (host { services.web.enable.now = true; }) ]).services.web.enable;
    expectedError = [ "is not of type `boolean'" "`services.web.enable.now' does not exist" ];
  };
  aboveAnOption = {
    expr = (get [ (host { services.web = true; }) ]).services.web;
    expectedError = [ "rather than an attribute set for the option" "`services.web'" "/host.nix" ];
  };
  noValue = {
    expr = (get [ ]).networking.hostName;
    expectedError = [ "The option `networking.hostName' was accessed but has no value defined." "networking.hostName = …;" ];
  };
  nullAndNot = {
    expr = (lib.evalModules { modules = [ { options.x = mkOption { type = types.nullOr types.int; }; } { x = null; } { x = 1; } ]; }).config.x;
    expectedError = "The option `x' is defined both null and not null";
  };
  configBesideDefinitions = {
    expr = (get [ { config = { }; services.web.enable = true; } ]).networking;
    expectedError = [ "has an unsupported attribute `services'" "messages.nix" ];
  };
  missingArgument = {
    expr = (get [ ({ pkgs, ... }: { networking.hostName = pkgs.name; }) ]).networking.hostName;
    expectedError = [ "asks for the argument `pkgs', which nobody provides" ];
  };
  missingModule = { expr = (get [ { _file = "/host.nix"; imports = [ ./nowhere.nix ]; } ]).networking; expectedError = [ "nowhere.nix' does not exist; it is in `imports' of `/host.nix'." ]; };
  suggestionsOfNames = {
    expr = (lib.evalModules { modules = [ { options.x = mkOption { type = types.enum [ "performance" "powersave" ]; }; } { x = "perfomance"; } ]; }).config.x;
    expectedError = [ "is not of type `one of" "Did you mean \"performance\"?" ];
  };
  listInImports = { expr = (get [ { imports = [ [ ] ]; } ]).networking; expectedError = "must be joined with `++', not nested"; };
  relativeImport = { expr = (get [ { imports = [ "x.nix" ]; } ]).networking; expectedError = "is not an absolute path"; };
  conditionNotBoolean = { expr = (get [ (host { networking.hostName = lib.mkIf "x" "y"; }) ]).networking.hostName; expectedError = "a condition that is a string instead of a Boolean"; };
  declaredTwice = {
    expr = (get [ { _file = "/second.nix"; options.networking.hostName = mkOption { type = types.str; description = "a"; }; } { options.networking.hostName = mkOption { description = "b"; }; } ]).networking.hostName;
    expectedError = "The option `networking.hostName' in";
  };
  typesDiffer = {
    expr = (get [ { _file = "/second.nix"; options.networking.hostName = mkOption { type = types.int; }; } ]).networking.hostName;
    expectedError = [ "is already declared in" "`string'" "`signed integer'" ];
  };
  optionInOption = {
    expr = (get [ { _file = "/second.nix"; options.networking.hostName.x = mkOption { }; } ]).networking.hostName;
    expectedError = [ "would be a parent of the following options, but its type `string' does not support nested options" "option(s) with prefix `networking.hostName.x' in module `/second.nix'" ];
  };
  flakeAsModule = { expr = (get [ { _type = "flake"; } ]).networking; expectedError = [ "of type \"flake\"" "nixosModules" ]; };
}
