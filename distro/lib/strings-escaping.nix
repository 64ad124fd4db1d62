# Strings written so that another language reads them back unchanged (part of `lib.strings`).
{ lib }:
let
  inherit (builtins)
    attrNames concatStringsSep elem filter genList isAttrs isList isPath isString map match
    replaceStrings substring stringLength toJSON isInt isBool isFloat
    ;
  codes = import ./ascii-table.nix;
  hex = n: lib.strings.fixedWidthString 2 "0" (lib.trivial.toHexString n);

  nixKeywords = [
    "assert" "else" "if" "in" "inherit" "let" "or" "rec" "then" "with"
  ];

  unreservedInUrls = lib.strings.stringToCharacters (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
  );
  reservedInUrls = builtins.removeAttrs codes unreservedInUrls;
  reservedNames = attrNames reservedInUrls;
  encodedNames = map (c: "%" + hex codes.${c}) reservedNames;
in
rec {
  # Puts a backslash before each of the given characters.
  escape = chars: replaceStrings chars (map (c: "\\" + c) chars);

  # C-like \xNN for each of the given characters.
  escapeC =
    chars: replaceStrings chars (map (c: "\\x${lib.strings.toLower (hex codes.${c})}") chars);

  escapeRegex = escape [ "\\" "[" "{" "(" ")" "^" "$" "?" "*" "+" "|" "." ];

  escapeURL = replaceStrings reservedNames encodedNames;

  escapeXML = replaceStrings [ "\"" "'" "<" ">" "&" ] [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];

  # One word of a POSIX shell.
  escapeShellArg =
    arg:
    let
      text = toString arg;
    in
    if match "[[:alnum:],._+:@%/-]+" text != null then
      text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
  escapeShellArgs = args: concatStringsSep " " (map escapeShellArg args);

  isValidPosixName = name: match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;

  # Assignments for a shell script: strings, lists (bash arrays), sets (associative arrays).
  toShellVar =
    name: value:
    if !isValidPosixName name then
      throw "toShellVar: `${name}' is not a valid shell variable name"
    else if isAttrs value && !lib.strings.isStringLike value then
      "declare -A ${name}=(${
        concatStringsSep " " (
          map (key: "[${escapeShellArg key}]=${escapeShellArg value.${key}}") (attrNames value)
        )
      })"
    else if isList value then
      "declare -a ${name}=(${escapeShellArgs value})"
    else
      "${name}=${escapeShellArg value}";
  toShellVars = vars: concatStringsSep "\n" (map (name: toShellVar name vars.${name}) (attrNames vars));

  # Nix itself.
  escapeNixString = s: replaceStrings [ "$" ] [ "\\$" ] (toJSON s);
  escapeNixIdentifier =
    name:
    if match "[a-zA-Z_][a-zA-Z0-9_'-]*" name != null && !elem name nixKeywords then
      name
    else
      escapeNixString name;

  # Flags of build systems.
  enableFeature = on: name: if on then "--enable-${name}" else "--disable-${name}";
  enableFeatureAs = on: name: value: enableFeature on name + (if on then "=${value}" else "");
  withFeature = on: name: if on then "--with-${name}" else "--without-${name}";
  withFeatureAs = on: name: value: withFeature on name + (if on then "=${value}" else "");
  cmakeOptionType = type: name: value: "-D${name}:${lib.strings.toUpper type}=${value}";
  cmakeBool = name: on: cmakeOptionType "bool" name (if on then "TRUE" else "FALSE");
  cmakeFeature = cmakeOptionType "string";
  mesonOption = name: value: "-D${name}=${value}";
  mesonBool = name: on: mesonOption name (if on then "true" else "false");
  mesonEnable = name: on: mesonOption name (if on then "enabled" else "disabled");
}
