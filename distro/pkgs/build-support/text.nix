# Files and scripts of given text.
{
  lib,
  pkgs,
  builtinDerivation,
}:
let
  inherit (builtins)
    concatStringsSep
    isAttrs
    isList
    isPath
    readFile
    replaceStrings
    ;

  # Where the running system has its shell; scripts are of the running system.
  runtimeShell = "/bin/bash";

  writeTextFile =
    {
      name ? "",
      pname ? null,
      version ? null,
      text,
      executable ? false,
      destination ? "",
      meta ? { },
      passthru ? { },
      ...
    }:
    let
      fullName = if name != "" || pname == null then name else "${pname}-${version}";
      mode = if executable then "0755" else "0644";
      relative = builtins.substring 1 (-1) destination;
    in
    builtinDerivation (
      {
        name = fullName;
        inherit meta passthru;
      }
      // (
        if destination == "" then
          {
            builder = "builtin:write-file";
            inherit text executable;
          }
        else
          {
            builder = "builtin:write-tree";
            entries = [
              {
                path = relative;
                type = "file";
                inherit text mode;
              }
            ];
          }
      )
    );

  writeText = name: text: writeTextFile { inherit name text; };
  writeScript =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
    };
  writeScriptBin =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
      meta.mainProgram = name;
    };

  asShellScript = text: "#!${runtimeShell}\n${text}\n";

  fileList = files: builtins.concatMap (file: if isList file then fileList file else [ file ]) files;

  concatFiles =
    {
      name,
      files,
      # Text put between each two files, and text before the first.
      separator ? "",
      header ? "",
      executable ? false,
      # Of a folder among the files, those below it whose path ends so and matches no pattern.
      suffix ? "",
      exclude ? [ ],
      meta ? { },
    }:
    builtinDerivation {
      inherit name separator header executable suffix exclude meta;
      builder = "builtin:concat-files";
      files = map (file: "${file}") (fileList files);
    };
in
{
  inherit runtimeShell writeTextFile writeText writeScript writeScriptBin concatFiles;

  writeTextDir =
    path: text:
    writeTextFile {
      name = builtins.baseNameOf path;
      destination = "/${path}";
      inherit text;
    };

  writeShellScript = name: text: writeScript name (asShellScript text);
  writeShellScriptBin = name: text: writeScriptBin name (asShellScript text);

  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      runtimeEnv ? null,
      meta ? { },
      passthru ? { },
      bashOptions ? [ "errexit" "nounset" "pipefail" ],
      inheritPath ? true,
      ...
    }:
    let
      path = concatStringsSep ":" (map (input: "${input}/bin") runtimeInputs);
      pathLines =
        if runtimeInputs == [ ] then
          ""
        else
          "\nexport PATH=\"${path}${if inheritPath then ":$PATH" else ""}\"\n";
      optionLines = builtins.concatStringsSep "" (map (option: "set -o ${option}\n") bashOptions);
      environmentLines =
        if runtimeEnv == null then
          ""
        else
          builtins.concatStringsSep "" (
            map (variable: ''
              ${lib.toShellVar variable runtimeEnv.${variable}}
              export ${variable}
            '') (builtins.attrNames runtimeEnv)
          );
    in
    writeTextFile {
      inherit name passthru;
      executable = true;
      destination = "/bin/${name}";
      text = "#!${runtimeShell}\n${optionLines}${environmentLines}${pathLines}\n${text}\n";
      meta = {
        mainProgram = name;
      }
      // meta;
    };

  concatText = name: files: concatFiles { inherit name files; };
  concatScript =
    name: files:
    concatFiles {
      inherit name files;
      executable = true;
    };

  # The text of a file of the source tree with `@name@` replaced by values.
  replaceVars =
    source: values:
    let
      names = builtins.attrNames values;
    in
    writeText (builtins.baseNameOf (toString source)) (
      replaceStrings (map (name: "@${name}@") names) (map (name: "${toString values.${name}}") names) (
        readFile source
      )
    );

  emptyFile = writeText "empty-file" "";
}
