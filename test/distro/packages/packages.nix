# The package set: look-up, closures, overlays, build functions, on a small channel of ours.
#
# The channel in ./channel is as the archive client makes one, with one shard for all packages.
{ lib }:
let
  import' =
    extra:
    import ../../../distro (
      {
        system = "x86_64-linux";
        debian = ./channel;
      }
      // extra
    );
  pkgs = import' { };
  names = map (package: package.name);
  closure = roots: names (pkgs.debian.closureOf roots);
  attributesOf = derivation: builtins.fromJSON (builtins.unsafeDiscardStringContext (builtins.toJSON derivation.drvAttrs));
in
{
  name = { expr = pkgs.tool.name; expected = "tool-1.0_rc1+b1-1"; };
  version = { expr = pkgs.tool.version; expected = "2:1.0~rc1+b1-1"; };
  parsesAsName = { expr = (builtins.parseDrvName pkgs.shell.name).name; expected = "shell"; };
  source = {
    expr = { inherit (pkgs.tool.src) url name size; };
    expected = {
      url = "mirror://debian/pool/main/t/tool/tool_1.0~rc1+b1-1_amd64.deb";
      name = "tool_1.0_rc1+b1-1_amd64.deb";
      size = 4;
    };
  };
  sourcePathIsOfTheContentAlone = {
    expr = (pkgs.fetchurl { name = "shell_1.0-1_amd64.deb"; url = "http://elsewhere.example/"; sha256 = pkgs.shell.debian.sha256; }).outPath == pkgs.shell.src.outPath;
    expected = true;
  };
  isDerivation = { expr = lib.isDerivation pkgs.shell && lib.isStorePath pkgs.shell.outPath; expected = true; };

  closureSimple = { expr = closure [ pkgs.shell ]; expected = [ "libc-1.0-1" "shell-1.0-1" ]; };
  closureByName = { expr = closure [ "shell" ]; expected = [ "libc-1.0-1" "shell-1.0-1" ]; };
  closureAttribute = { expr = names pkgs.shell.closure; expected = [ "libc-1.0-1" "shell-1.0-1" ]; };
  closureEmpty = { expr = closure [ ]; expected = [ ]; };
  firstAlternative = { expr = closure [ "editor" ]; expected = [ "editor-1.0-1" "libc-1.0-1" "vi-1.0-1" ]; };
  chosenAlternativeWins = {
    expr = closure [ "editor" "uses-nano" ];
    expected = [ "editor-1.0-1" "libc-1.0-1" "libedit-1.0-1" "nano-1.0-1" "uses-nano-1.0-1" ];
  };
  orderOfRootsDoesNotMatter = { expr = closure [ "uses-nano" "editor" ] == closure [ "editor" "uses-nano" ]; expected = true; };
  cycle = { expr = closure [ "mailer" ]; expected = [ "exim-1.0-1" "exim-config-1.0-1" "mailer-1.0-1" ]; };
  prefer = {
    expr = names (pkgs.debian.closureWith { roots = [ "mailer" ]; prefer = [ "postfix" ]; });
    expected = [ "mailer-1.0-1" "postfix-1.0-1" ];
  };
  exclude = {
    expr = names (pkgs.debian.closureWith { roots = [ "editor" "shell" ]; exclude = [ "libc" "vi" ]; });
    expected = [ "editor-1.0-1" "shell-1.0-1" ];
  };
  recommends = {
    expr = names (pkgs.debian.closureWith { roots = [ "mailer" ]; prefer = [ "postfix" ]; recommends = true; });
    expected = [ "mailer-1.0-1" "postfix-1.0-1" "spell-1.0-1" ];
  };
  othersPassThrough = {
    expr = closure [ (pkgs.writeText "x" "") "shell" ];
    expected = [ "libc-1.0-1" "shell-1.0-1" "x" ];
  };
  backportReplaces = {
    expr = closure [ pkgs.tool pkgs.backports.tool ];
    expected = [ "libc-1.0-1" "libtool-2.0_bpo13+1" "tool-2.0_bpo13+1" ];
  };
  mainBeforeBackports = { expr = closure [ pkgs.backports.newer ]; expected = [ "libtool-1.0-1" "newer-1.0-1" "tool-1.0_rc1+b1-1" ]; };
  chosenBackportWins = {
    expr = closure [ pkgs.backports.newer pkgs.backports.tool ];
    expected = [ "libc-1.0-1" "libtool-2.0_bpo13+1" "newer-1.0-1" "tool-2.0_bpo13+1" ];
  };
  conflicts = {
    expr = map (pair: "${pair.package.pname} ${pair.other.pname}") (pkgs.debian.conflictsIn [ pkgs.vi pkgs.nano pkgs.shell ]);
    expected = [ "vi nano" "nano vi" ];
  };
  sets = { expr = [ (names pkgs.debian.essential) (names pkgs.debian.standard) ]; expected = [ [ "base-files-1.0-1" ] [ "shell-1.0-1" ] ]; };

  missing = { expr = (pkgs.debian.package "crul").name; expectedError = [ "Debian trixie has no package crul" "did you mean curl" "firn update" ]; };
  missingPart = { expr = (pkgs.debian.package "openssh-clinet").name; expectedError = "did you mean openssh-client"; };
  missingUnderscore = { expr = (pkgs.debian.package "network_manager").name; expectedError = "did you mean network-manager"; };
  missingBackport = { expr = (pkgs.debian.package "backports/curl").name; expectedError = "Debian's backports have no package curl"; };
  unsatisfied = { expr = pkgs.broken.outPath; expectedError = "has nothing for its dependency gone (>= 2)"; };
  unfree = { expr = pkgs.secret.outPath; expectedError = [ "secret is in Debian's non-free area" "allowUnfree" ]; };
  unfreeAllowed = { expr = (import' { config.allowUnfree = true; }).secret.name; expected = "secret-1.0-1"; };
  unfreeByPredicate = {
    expr = lib.isStorePath (import' { config.allowUnfreePredicate = package: package.pname == "secret"; }).secret.outPath;
    expected = true;
  };
  firmwareIsFree = { expr = lib.isStorePath pkgs.firmware.outPath; expected = true; };
  noChannel = { expr = (import' { debian = ./.; }).curl.name; expectedError = "is not a Debian channel"; };
  noArchitecture = { expr = (import' { system = "aarch64-linux"; }).curl.name; expectedError = "has no packages for arm64"; };
  otherSystem = { expr = (import' { system = "mips-linux"; }).curl.name; expectedError = "not for mips-linux"; };
  macMakesLinux = { expr = (import' { system = "x86_64-darwin"; }).curl.outPath == pkgs.curl.outPath; expected = true; };

  overlaySeenByClosures = {
    expr =
      let
        changed = pkgs.extend (final: previous: { libc = previous.libc.overrideAttrs (old: { name = "libc-mine"; }); });
      in
      names (changed.debian.closureOf [ "shell" ]);
    expected = [ "libc-mine" "shell-1.0-1" ];
  };
  overlayArgument = { expr = (import' { overlays = [ (final: previous: { mine = final.curl; }) ]; }).mine.pname; expected = "curl"; };
  overrideForms = {
    expr = [
      (pkgs.curl.overrideAttrs { name = "a"; }).name
      (pkgs.curl.overrideAttrs (old: { name = "${old.name}-b"; })).name
      (pkgs.curl.overrideAttrs (final: old: { name = "${old.name}-c"; })).name
      ((pkgs.curl.overrideAttrs { name = "a"; }).outPath != pkgs.curl.outPath)
    ];
    expected = [ "a" "curl-1.0-1-b" "curl-1.0-1-c" true ];
  };
  callPackage = { expr = pkgs.callPackage ({ curl, more, lib }: "${curl.pname} ${more}") { more = "x"; }; expected = "curl x"; };
  configFunction = { expr = (import' { config = { pkgs }: { allowUnfree = true; }; }).config; expected = { allowUnfree = true; }; };

  # A kernel whose package has all of it, and one whose package only depends on its parts.
  kernelInOnePackage = {
    expr = let inherit (pkgs.linuxPackages) kernel; in [
      kernel.version kernel.package.name (lib.removePrefix "${kernel.package}" kernel.imageFile)
    ];
    expected = [ "6.1.2" "linux-image-6.1.2+deb13-amd64-6.1.2-1" "/boot/vmlinuz-6.1.2+deb13-amd64" ];
  };
  kernelInParts = {
    expr = let inherit (pkgs.linuxPackages_latest) kernel; in [
      kernel.version
      (map (part: part.pname) kernel.package.trees)
      (lib.removePrefix "${kernel.package}" kernel.imageFile)
    ];
    expected = [
      "7.3.4"
      [ "linux-base-7.3.4+deb13-amd64" "linux-binary-7.3.4+deb13-amd64" "linux-modules-7.3.4+deb13-amd64" ]
      "/usr/lib/modules/7.3.4+deb13-amd64/vmlinuz"
    ];
  };

  squashfsCompression = {
    expr = map (comp: (attributesOf (pkgs.makeSquashfs { inherit comp; registration = false; })).compression) [ "zstd -Xcompression-level 19" "xz -Xdict-size 100%" "lz4 -Xhc" "none" ];
    expected = [ "zstd -Xcompression-level 19" "xz -Xdict-size 100%" "lz4 -Xhc" "none" ];
  };
  squashfsCompressionUnknown = { expr = (pkgs.makeSquashfs { comp = "lzo"; }).drvPath; expectedError = "\"lzo\" is no compression of a squashfs image"; };

  textKeepsContext = {
    expr = builtins.attrNames (builtins.getContext "${(pkgs.writeText "t" "${pkgs.shell}/bin/sh").drvPath}") != [ ];
    expected = true;
  };
  shellScript = { expr = (attributesOf (pkgs.writeShellScriptBin "go" "echo")).entries; expected = [ { mode = "0755"; path = "bin/go"; text = "#!/bin/bash\necho\n"; type = "file"; } ]; };
  treeEntries = {
    expr = (attributesOf (pkgs.writeTree { name = "t"; entries = { a.text = ""; b.target = "/x"; c = { }; }; })).entries;
    expected = [ { path = "a"; text = ""; type = "file"; } { path = "b"; target = "/x"; type = "link"; } { path = "c"; type = "directory"; } ];
  };
  executable = { expr = lib.getExe (pkgs.writeShellScriptBin "go" "") == "${pkgs.writeShellScriptBin "go" ""}/bin/go"; expected = true; };
  replaceVars = { expr = (attributesOf (pkgs.replaceVars ./variables.txt { who = "you"; })).text; expected = "hello you, @other@\n"; };
  runCommandRefused = { expr = pkgs.runCommand "x" { } ""; expectedError = "commands cannot be run"; };

  json = { expr = (attributesOf ((pkgs.formats.json { }).generate "j" { a = [ 1 "b" ]; })).text; expected = ''{"a":[1,"b"]}'' + "\n"; };
  ini = { expr = (attributesOf ((pkgs.formats.ini { }).generate "i" { s.a = 1; })).text; expected = "[s]\na=1\n"; };
  keyValue = { expr = (attributesOf ((pkgs.formats.keyValue { }).generate "k" { a = "b"; })).text; expected = "a=b\n"; };
  toml = {
    expr = (attributesOf ((pkgs.formats.toml { }).generate "t" {
      top = true;
      text = "a\"b\n";
      list = [ 1 2.5 "x" ];
      table.inner.deep = 1;
      table.key = "v";
      tables = [ { a = 1; sub.b = 2; } { } ];
      "odd key" = { };
    })).text;
    expected = ''
      list = [1, 2.5, "x"]
      text = "a\"b\n"
      top = true

      ["odd key"]

      [table]
      key = "v"

      [table.inner]
      deep = 1

      [[tables]]
      a = 1

      [tables.sub]
      b = 2

      [[tables]]
    '';
  };
  tomlNull = { expr = (attributesOf ((pkgs.formats.toml { }).generate "t" { a = [ null ]; })).text; expectedError = "TOML has no null"; };
}
