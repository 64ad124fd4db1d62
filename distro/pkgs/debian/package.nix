# One Debian package as a derivation: a fixed-output download and a builtin that unpacks it.
#
# The unpacked tree refers to no other store path: Debian's programs find each other below /usr,
# where the system's merged tree puts them.  What a package needs is in `depends`, and
# `closure` are all packages that it needs, itself included.
{
  channel,
  config,
  pkgs,
}:
let
  inherit (builtins)
    baseNameOf
    elemAt
    match
    removeAttrs
    replaceStrings
    ;

  # What a store path name may not have; an epoch is left out, as in Debian's file names.
  withoutEpoch =
    version:
    let
      parts = match "[0-9]+:(.*)" version;
    in
    if parts == null then version else elemAt parts 0;
  storeName = replaceStrings [ "~" ":" "%3a" ] [ "_" "_" "_" ];

  fetch =
    record:
    derivation {
      name = storeName (baseNameOf record.url);
      system = "builtin";
      builder = "builtin:fetchurl";
      inherit (record) url size;
      # The snapshot archive finds a dropped file by the version with its epoch.
      debianVersion = record.version;
      outputHashAlgo = "sha256";
      outputHashMode = "flat";
      outputHash = record.sha256;
    };

  allowUnfree = pkgs.config.allowUnfree or false;
  allowPredicate = pkgs.config.allowUnfreePredicate or (_: false);

  # Checked when the package is built or referred to, not when it is looked at.
  checked =
    package: value:
    if package.meta.unfree && !allowUnfree && !allowPredicate package then
      throw "the package ${package.pname} is in Debian's non-free area; set config.allowUnfree = true to use it"
    else if package.unsatisfied != [ ] then
      throw "the package ${package.pname} ${package.version} cannot be used: Debian ${channel.info.release} has nothing for its dependency ${builtins.concatStringsSep ", " package.unsatisfied}"
    else
      value;

  finish =
    arguments:
    let
      built = derivation (
        removeAttrs arguments [ "pname" "version" "meta" "depends" "recommends" "conflicts" "unsatisfied" "reference" "debian" "passthru" "src" ]
        // {
          system = "builtin";
          builder = "builtin:unpack-deb";
          __structuredAttrs = true;
          src = checked package arguments.src;
        }
      );
      package =
        arguments
        // (arguments.passthru or { })
        // {
          type = "derivation";
          inherit (built) drvPath outPath outputName;
          outputs = [ "out" ];
          out = package;
          all = [ package ];
          drvAttrs = built.drvAttrs;
          system = channel.system;
          closure = pkgs.debian.closureOf [ package ];
          overrideAttrs =
            change:
            finish (
              arguments
              // (
                if builtins.isFunction change then
                  let
                    once = change arguments;
                  in
                  # Both forms: `old: …` and `final: old: …`.
                  if builtins.isFunction once then change package arguments else once
                else
                  change
              )
            );
        };
    in
    package;
in
# `prefix` is how references to packages of `set` begin.
set: prefix: name:
let
  record = set.record name;
in
finish {
  pname = name;
  inherit (record) version;
  name = "${name}-${storeName (withoutEpoch record.version)}";
  src = fetch record;
  reference = prefix + name;
  depends = record.depends or [ ];
  recommends = record.recommends or [ ];
  conflicts = record.conflicts or [ ];
  unsatisfied = record.unsatisfied or [ ];
  # The record as the channel has it: section, priority, component, source, size, essential.
  debian = record;
  meta = {
    inherit (record) description;
    homepage = record.homepage or "";
    unfree = record.component == "non-free";
    license = {
      free = record.component == "main" || record.component == "contrib";
      fullName = "Debian ${record.component}";
    };
    platforms = [ channel.system ];
    available = true;
    name = "${name}-${record.version}";
    outputsToInstall = [ "out" ];
  };
}
