# Kernels: Debian's signed kernel packages in the shape that modules expect of a kernel.
#
# A kernel is a small tree of links (`bzImage`, `lib/modules/VERSION`) into Debian's package, whose
# name has the version in it and is found through the package that always depends on the newest:
# linux-image-amd64. Newer kernels are split: linux-image-VERSION is empty and depends on
# linux-base-VERSION, linux-binary-VERSION and linux-modules-VERSION, which are merged here; what
# was in /boot is with the modules.
{ lib, pkgs }:
let
  inherit (builtins) filter head isString match;

  kernelOf =
    metaPackage:
    let
      prefix = "linux-image-";
      # A backports package refers to its own set by a prefix.
      dependenciesOf = package:
        map (name: lib.last (lib.splitString "/" name)) (filter isString package.depends);
      name = head (
        filter (name: match "linux-image-[0-9].*" name != null) (dependenciesOf metaPackage)
      );
      modDirVersion = lib.removePrefix prefix name;
      fromBackports = lib.hasPrefix "backports/" metaPackage.reference;
      packages = if fromBackports then pkgs.backports else pkgs;
      parts = filter (lib.hasSuffix "-${modDirVersion}") (dependenciesOf packages.${name});
      isSplit = parts != [ ];
      image =
        if !isSplit then packages.${name}
        else pkgs.mergeTrees {
          inherit name;
          trees = map (part: packages.${part}) parts;
          exclude = [ "usr/share" ];
        };
      fileOf = file:
        if isSplit then "${image}/usr/lib/modules/${modDirVersion}/${file}"
        else "${image}/boot/${file}-${modDirVersion}";
      kernel = pkgs.writeTree {
        name = "linux-${modDirVersion}";
        entries = {
          "bzImage".target = fileOf "vmlinuz";
          "config".target = fileOf "config";
          "lib/modules/${modDirVersion}".target = "${image}/usr/lib/modules/${modDirVersion}";
        };
        passthru = {
          inherit modDirVersion;
          # Debian's package of this kernel, or its parts in one, and the file that boots.
          package = image;
          imageFile = fileOf "vmlinuz";
          pname = "linux";
          # 6.12.107 of 6.12.107+deb13-amd64
          version = head (match "([0-9.]+).*" modDirVersion);
          kernelAtLeast = lib.flip lib.versionAtLeast kernel.version;
          kernelOlder = lib.versionOlder kernel.version;
          features = { };
          target = "bzImage";
          # The kernel is not built here, so an override has nothing to change.
          override = _: kernel;
        };
      };
    in
    kernel;

  packagesFor = kernel: {
    inherit kernel;
    extend = overlay: packagesFor kernel // overlay (packagesFor kernel) (packagesFor kernel);
    recurseForDerivations = true;
  };

  metaPackages = {
    amd64 = "linux-image-amd64";
    arm64 = "linux-image-arm64";
  };
  metaPackage = metaPackages.${pkgs.debian.architecture};

  indexFiles = [
    "modules.alias" "modules.alias.bin" "modules.builtin.alias.bin" "modules.builtin.bin"
    "modules.dep" "modules.dep.bin" "modules.devname" "modules.softdep" "modules.symbols"
    "modules.symbols.bin"
  ];
  buildFiles = [ "modules.builtin" "modules.builtin.modinfo" "modules.order" ];
in
{
  linuxPackages = packagesFor (kernelOf pkgs.${metaPackage});
  linuxPackages_latest = packagesFor (kernelOf pkgs.backports.${metaPackage});
  linuxPackagesFor = packagesFor;

  # The module trees of a kernel and of packages built for it as one, with its indexes: what
  # modprobe reads. The kernel's modules stay in its package and are linked to.
  makeModulesTree =
    { name, modules, modDirVersion }:
    let
      first = head modules;
      alone = builtins.length modules == 1 && first ? package;
      merged = pkgs.mergeTrees {
        name = "${name}-merged";
        trees = map (tree: tree.package or tree) modules;
        exclude = [ "boot" "usr/share" ];
      };
      source = if alone then first.package else merged;
      index = pkgs.makeModuleIndex {
        name = "${name}-index";
        kernel = source;
        version = modDirVersion;
      };
      folder = "lib/modules/${modDirVersion}";
      link = tree: file: lib.nameValuePair "${folder}/${file}" { target = "${tree}/${file}"; };
    in
    pkgs.writeTree {
      inherit name;
      entries = lib.listToAttrs (
        map (link "${index}/${folder}") indexFiles
        ++ map (link "${source}/usr/${folder}") ([ "kernel" ] ++ buildFiles)
      );
      passthru = { inherit index source modDirVersion; };
    };
}
