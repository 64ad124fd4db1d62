/**
 * Nix files that the evaluator itself has: `<nix/fetchurl.nix>`.
 *
 * They stand below `/__corepkgs__`, where no real file is looked for. A derivation made by them
 * must hash as C++ Nix's does, so names, values and defaults of its attributes are fixed.
 */

/** Directory of the internal files. */
export const internalRoot = '/__corepkgs__';

/** Text of an internal file; undefined for every other path. */
export function internalFile(path: string): string | undefined {
  return files.get(path);
}

const fetchurl = `let

  # The hash that was given: of several, the first of this order counts.
  given = { hash ? "", sha512 ? "", sha1 ? "", md5 ? "", sha256 ? "", ... }:
    if hash != "" then { value = hash; algorithm = ""; } # SRI, says its algorithm itself
    else if sha512 != "" then { value = sha512; algorithm = "sha512"; }
    else if sha1 != "" then { value = sha1; algorithm = "sha1"; }
    else if md5 != "" then { value = md5; algorithm = "md5"; }
    else { value = sha256; algorithm = "sha256"; };

in

arguments@{ url
, name ? baseNameOf (toString url)
, hash ? "", md5 ? "", sha1 ? "", sha256 ? "", sha512 ? ""
, outputHash ? (given arguments).value
, outputHashAlgo ? (given arguments).algorithm
, executable ? false
, unpack ? false
, impure ? false
, system ? "" # has no meaning any more
}:

derivation ({
  inherit name url executable unpack;
  urls = [ url ];
  system = "builtin";
  builder = "builtin:fetchurl";
  outputHashMode = if executable || unpack then "recursive" else "flat";
  preferLocalBuild = true;
  impureEnvVars = map (kind: kind + "_proxy") [ "http" "https" "ftp" "all" "no" ];
} // (if impure then { __impure = true; } else { inherit outputHash outputHashAlgo; }))
`;

const files: ReadonlyMap<string, string> = new Map([[`${internalRoot}/fetchurl.nix`, fetchurl]]);
