# Derivations that show whatever a builder can see of how it is built; C++ Nix and Firn build each.
{ tools }:
let
  bb = builtins.path { path = tools; name = "busybox"; };
  plain = name: script: more: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "${bb}/bin/sh";
    args = [ "-e" "-c" script ];
    PATH = "${bb}/bin";
  } // more);
  structured = name: script: more: plain name "export PATH=${bb}/bin; ${script}" ({ __structuredAttrs = true; } // more);
  out = builtins.placeholder "out";
  low = plain "low" ''
    mkdir -p $out/bin; echo low > $out/x; cp ${bb}/bin/busybox $out/bin/b; chmod 700 $out/bin/b
    ln -s ../x $out/bin/l; ln -s $out/x $out/bin/own; chmod 600 $out/x; touch -d 2001-01-01 $out/x; chmod 500 $out/bin
  '' { };
  several = plain "several" ''
    mkdir $out $dev; echo $out > $dev/link; echo ${low} > $out/low; ln $out/low $out/hard; touch "$out/ a b" $out/h
    ln -s $dev/link $man
  '' { outputs = [ "out" "dev" "man" ]; };
in {
  inherit low several;
  environment = plain "environment" "env | grep -v -E '^(SHLVL|_|OLDPWD)=' | sort > $out" { bytes = "é"; empty = ""; multi = "a\nb"; yes = true; no = false; number = 7; list = [ 1 low ]; };
  world = plain "world" ''
    { pwd; id -u; id -g; echo $$; hostname; cat /etc/passwd /etc/group /etc/hosts; ls /etc; ls /dev | grep -v -E "^(core|kvm)$"; ls /nix/store; ls -a /build; stat -c '%a %u' /build/.; umask; ls /tmp; } > /tmp/world; cat /tmp/world > $out
  '' { see = low; };
  placeholders = plain "placeholders" "echo ${out} $self > $out" { self = "${out}/x"; };
  file = plain "file" "cat $longPath > $out; echo $longPath >> $out" { passAsFile = [ "long" ]; long = "text of ${low}\n"; };
  graph = plain "graph" "cat graph other > $out" { exportReferencesGraph = [ "graph" several "other" low.drvPath ]; };
  json = structured "json" "cat .attrs.json > ${out}" {
    text = "it's é \"quoted\" \\ \t"; list = [ "a b" 1 true null ]; map = { "10" = "x"; "2" = 1; "é" = 1.5; }; big = 5000000000; control = builtins.fromJSON ''"\u0001\u007f"'';
  };
  shell = structured "shell" "cat .attrs.sh > ${out}" {
    text = "it's"; list = [ "a b" 1 true false null ]; map = { "a b" = "x"; c = 7; }; bad = [ [ 1 ] ]; fraction = 1.5; "not-a-name" = 1; _x1 = -3;
  };
  discarded = structured "outputs" "echo x > ${out}; mkdir -p ${builtins.placeholder "dev"}; echo ${out} > ${builtins.placeholder "dev"}/x" { outputs = [ "out" "dev" ]; };
  flat = plain "flat" "echo x > $out; [ $NIX_OUTPUT_CHECKED = 1 ]" { outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" "x\n"; };
  allowed = plain "allowed" "echo ${low} > $out" { allowedReferences = [ low ]; allowedRequisites = [ low ]; disallowedReferences = [ several ]; };
  special = plain "special" ''
    mkdir -p $out/empty; printf '\0\377' > $out/bytes; ln -s /nowhere "$out/dangling link"; printf 'x' > "$out/$(printf '\377')"
    chmod 4755 $out/bytes 2>/dev/null && echo setuid > $out/setuid; chmod 1777 $out/empty; true
  '' { };
}
