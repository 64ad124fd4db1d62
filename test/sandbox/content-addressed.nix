# Derivations whose paths follow from their content; C++ Nix and Firn build each.
{ tools }:
let
  bb = builtins.path { path = tools; name = "busybox"; };
  plain = name: script: more: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "${bb}/bin/sh";
    args = [ "-c" script ];
    PATH = "${bb}/bin";
  } // more);
  addressed = name: script: more: plain name script ({
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  } // more);
in
rec {
  itself = addressed "itself" "mkdir $out; echo $out > $out/$(basename $out); ln -s $out/x $out/link" { };
  outputs = addressed "outputs" "echo ${itself} $dev $out > $out; mkdir $dev; echo $dev $lib > $dev/f; echo ${itself} > $lib" {
    outputs = [ "out" "dev" "lib" ];
  };
  flat = addressed "flat" "printf flat > $out" { outputHashMode = "flat"; };
  # Differs from `flat` in how it is made only: what uses either is built once.
  sameFlat = addressed "flat" ": another way; printf flat > $out" { outputHashMode = "flat"; };
  user = plain "user" "cat ${flat} > $out; echo ${outputs.lib} >> $out" { };
  fixed = plain "fixed" "cat ${flat} > $out" {
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "flat";
  };
  # Says the scratch path in its .attrs.json, and must give it back as its own.
  structured = addressed "structured" "sed -n 's/.*\\(\\/nix\\/store\\/[a-z0-9]*-structured\\).*/\\1/p' /build/.attrs.json > path; read p < path; echo $p > $p"
    { __structuredAttrs = true; PATH = null; };
}
