# Metadata of packages.
{ lib }:
let
  inherit (builtins) any elem filter isString map mapAttrs match parseDrvName;
in
rec {
  addMetaAttrs = new: drv: drv // { meta = (drv.meta or { }) // new; };
  dontDistribute = addMetaAttrs { hydraPlatforms = [ ]; };
  setName = name: drv: drv // { inherit name; };
  updateName = f: drv: drv // { name = f drv.name; };
  appendToName =
    suffix:
    updateName (
      name:
      let
        parsed = parseDrvName name;
      in
      "${parsed.name}-${suffix}-${parsed.version}"
    );
  mapDerivationAttrset =
    f: set: mapAttrs (_: value: if lib.attrsets.isDerivation value then f value else value) set;

  # Where packages of a tree clash, the lower number wins.
  defaultPriority = 5;
  setPrio = priority: addMetaAttrs { inherit priority; };
  lowPrio = setPrio 10;
  lowPrioSet = mapDerivationAttrset lowPrio;
  hiPrio = setPrio (-10);
  hiPrioSet = mapDerivationAttrset hiPrio;

  platformMatch =
    platform: wanted:
    if isString wanted then
      platform.system or null == wanted
    else
      lib.attrsets.matchAttrs (if wanted ? parsed then wanted else { parsed = wanted; }) platform;
  availableOn =
    platform: drv:
    (drv.meta.platforms or [ ] == [ ] || any (platformMatch platform) drv.meta.platforms)
    && !any (platformMatch platform) (drv.meta.badPlatforms or [ ]);

  licensesSpdx = lib.attrsets.mapAttrs' (
    _: license: lib.attrsets.nameValuePair license.spdxId license
  ) (lib.attrsets.filterAttrs (_: license: license ? spdxId) lib.licenses);
  getLicenseFromSpdxIdOr =
    id: fallback:
    let
      lower = lib.strings.toLower id;
      found = filter (l: lib.strings.toLower l.spdxId == lower) (builtins.attrValues licensesSpdx);
    in
    if found == [ ] then fallback else builtins.head found;
  getLicenseFromSpdxId =
    id:
    getLicenseFromSpdxIdOr id (
      lib.trivial.warn "getLicenseFromSpdxId: no license is known as ${id}" { shortName = id; }
    );

  # The program a package is there for.
  getExe =
    package:
    getExe' package (
      package.meta.mainProgram or (lib.trivial.warn
        "getExe: package `${package.name or package.pname or "?"}' does not say its main program; its name is taken. Set `meta.mainProgram' or use getExe'."
        (lib.strings.getName package)
      )
    );
  getExe' =
    package: program:
    if match ".*/.*" program != null then
      throw "getExe': the program must be a file name, but it is `${program}'"
    else
      "${lib.attrsets.getBin package}/bin/${program}";

  cpeFullVersionWithVendor = vendor: version: {
    inherit vendor version;
    update = "*";
  };
}
