# Functions that make images and the parts of them, each one derivation of a builtin builder.
#
# A derivation here holds all that decides its bytes: the builders add nothing of the host. Names
# and arguments follow nixpkgs where it has the function (makeInitrd, makeModulesClosure,
# make-squashfs, make-iso9660-image, make-fat).
{ lib, pkgs }:

let
  inherit (pkgs) builtinDerivation;

  # What is left out keeps the builder's own default, and stays out of the derivation.
  without = lib.filterAttrs (_: value: value != null);

  # Sources become strings, so that a package and a path below one are both accepted.
  withSource =
    attributes: attributes // (if attributes ? source then { source = "${attributes.source}"; } else { });

  listOf = value: if lib.isList value then value else [ value ];

  # Told at evaluation what the builder would refuse after all packages have been downloaded.
  knownCompression =
    text:
    if
      builtins.match "(none|(zstd|gzip)( +-Xcompression-level +[0-9]+)?|xz( +-Xdict-size +[0-9]+[%KkMm]?)?|lz4( +-Xhc)?)" text
      != null
    then
      text
    else
      throw ''
        "${text}" is no compression of a squashfs image. There are: zstd and gzip (with -Xcompression-level NUMBER), xz (with -Xdict-size 100%), lz4 (with -Xhc), none.'';
in
rec {
  # The index files (modules.dep and its kind) of a kernel package, as depmod makes them.
  # The output has lib/modules/VERSION with the index files alone.
  makeModuleIndex =
    {
      kernel,
      name ? "module-index",
      version ? null,
      # "lib" or "usr/lib"
      prefix ? "lib",
    }:
    builtinDerivation (without {
      inherit name prefix;
      builder = "builtin:depmod";
      kernel = "${kernel}";
      kernelVersion = version;
    });

  # systemd's hardware database, compiled: the file hwdb.bin itself. `sources` are folders with
  # *.hwdb, or single files of that kind.
  makeHwdb =
    {
      sources,
      name ? "hwdb.bin",
      systemdVersion ? 257,
    }:
    builtinDerivation {
      inherit name systemdVersion;
      builder = "builtin:hwdb";
      sources = map (source: "${source}") sources;
    };

  # The modules that rootModules need, in lib/modules/VERSION with a complete index, and the
  # firmware they name in lib/firmware; `insmod-list` names them in load order.
  makeModulesClosure =
    {
      kernel,
      rootModules,
      firmware ? [ ],
      allowMissing ? false,
      name ? "kernel-modules-closure",
      version ? null,
      # Decompressed modules make a smaller initrd.
      decompress ? true,
      index ? makeModuleIndex { inherit kernel version; },
    }:
    builtinDerivation (without {
      inherit
        name
        rootModules
        allowMissing
        decompress
        ;
      builder = "builtin:modules-closure";
      kernel = "${kernel}";
      kernelVersion = version;
      index = "${index}";
      firmware = map (package: "${package}") (listOf firmware);
    });

  # An initrd: $out/initrd. An entry of `contents` is one of
  #   { path; source; mode ? }              a file (links are followed)
  #   { path; text; mode ? }                a file with this text
  #   { path; type = "tree"; source; }      all of a directory
  #   { path; type = "link"; target; }
  #   { path; type = "directory"; mode ? }
  #   { path; type = "char" or "block"; major; minor; mode ? }
  # with modes as octal strings. A later entry replaces what an earlier tree brought.
  makeInitrd =
    {
      contents,
      name ? "initrd",
      # "zstd -19", "gzip -9" or "none"
      compression ? "zstd -19",
      # Files of archives to go before (microcode, uncompressed; or a whole initrd).
      prepend ? [ ],
    }:
    builtinDerivation {
      inherit name compression;
      builder = "builtin:initrd";
      contents = map withSource contents;
      prepend = map (archive: "${archive}") prepend;
    };

  # A squashfs image of store paths and all they refer to, with the text that
  # `nix-store --load-db` reads as nix-path-registration. The output is the image itself.
  makeSquashfs =
    {
      storeContents ? [ ],
      # As for mksquashfs -comp: "zstd -Xcompression-level 19", "gzip", "lz4", "none" …
      comp ? "zstd -Xcompression-level 19",
      name ? "nix-store.squashfs",
      blockSize ? 1048576,
      registration ? true,
      # More entries, as for makeInitrd.
      contents ? [ ],
      # Large store paths of storeContents' closure that are made early: they are compressed while
      # other packages are still downloaded. Changes nothing in the image.
      compressEarly ? [ ],
    }:
    builtinDerivation {
      inherit name blockSize;
      builder = "builtin:squashfs";
      compressEarly = map (path: "${path}") compressEarly;
      compression = knownCompression comp;
      storeContents = map (path: "${path}") (listOf storeContents);
      contents =
        map withSource contents
        ++ lib.optional (registration && storeContents != [ ]) {
          path = "nix-path-registration";
          source = "${pkgs.closureInfo { rootPaths = listOf storeContents; }}/registration";
        };
    };

  # A FAT file system: the EFI system partition of an image. `contents` is a list of
  # { source; target; }, files or directories. The output is the image itself.
  makeFatImage =
    {
      contents,
      volumeLabel ? "ESP",
      name ? "fat.img",
      # In bytes. Default: as much as the files need, and freeBytes.
      size ? null,
      freeBytes ? 0,
      # 12, 16 or 32
      kind ? null,
    }:
    builtinDerivation (without {
      inherit
        name
        volumeLabel
        size
        freeBytes
        kind
        ;
      builder = "builtin:fat-image";
      contents = map withSource contents;
    });

  # An ISO 9660 image: $out/iso/NAME, linked to as $out/iso/cd.iso. `contents` is a list of
  # { source; target; }. With squashfsContents, these store paths stand in /nix-store.squashfs.
  makeIso =
    {
      contents,
      isoName ? "cd.iso",
      volumeID ? "",
      # Boot from CD by BIOS: bootImage is a path in the image.
      bootable ? false,
      bootImage ? "",
      # Boot by UEFI: efiBootImage is the target of one of the contents, a FAT image.
      efiBootable ? false,
      efiBootImage ? "",
      # Boot by BIOS when written to a disk: isolinux's boot code for it.
      usbBootable ? false,
      isohybridMbrImage ? "",
      squashfsContents ? [ ],
      squashfsCompression ? "zstd -Xcompression-level 19",
      # As for makeSquashfs.
      compressEarly ? [ ],
      compressImage ? false,
      name ? isoName,
      publisher ? "",
    }:
    builtinDerivation (
      {
        inherit
          name
          isoName
          volumeID
          publisher
          ;
        builder = "builtin:iso";
        # What takes room on the image is compressed already: higher levels gain nothing but time.
        compression = if compressImage then "zstd -3" else "none";
        contents =
          map withSource contents
          ++ lib.optional (squashfsContents != [ ]) {
            target = "/nix-store.squashfs";
            source = "${
              makeSquashfs {
                storeContents = squashfsContents;
                comp = squashfsCompression;
                inherit compressEarly;
              }
            }";
          };
      }
      // lib.optionalAttrs bootable { inherit bootImage; }
      // lib.optionalAttrs efiBootable { inherit efiBootImage; }
      // lib.optionalAttrs usbBootable { isohybridMbrImage = "${isohybridMbrImage}"; }
    );
}
