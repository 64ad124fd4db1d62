# Debian's programs in the initial RAM disk: entries for pkgs.makeInitrd, each program with the
# shared libraries it is linked against.
#
# The initrd has no merged tree, so libraries are named one by one. A library that is missing here
# shows at the first start of the program; what the lists leave out is loaded by name at run time
# and not needed for what the first stage does.
{ lib, pkgs }:

let
  folder = "usr/lib/x86_64-linux-gnu";
  library = package: name: {
    path = "/lib/x86_64-linux-gnu/${name}";
    source = "${package}/${folder}/${name}";
  };
  program = package: name: {
    path = "/bin/${name}";
    source = "${package}/usr/sbin/${name}";
  };

  loader = {
    path = "/lib64/ld-linux-x86-64.so.2";
    source = "${pkgs.libc6}/${folder}/ld-linux-x86-64.so.2";
  };
  c = [ loader (library pkgs.libc6 "libc.so.6") ];
  blockIds = [ (library pkgs.libblkid1 "libblkid.so.1") (library pkgs.libuuid1 "libuuid.so.1") ];
  deviceMapper = [
    (library pkgs."libdevmapper1.02.1" "libdevmapper.so.1.02.1")
    (library pkgs.libselinux1 "libselinux.so.1")
    (library pkgs.libpcre2-8-0 "libpcre2-8.so.0")
    (library pkgs.libudev1 "libudev.so.1")
    (library pkgs.libcap2 "libcap.so.2")
    (library pkgs.libc6 "libm.so.6")
  ];
in
{
  ext = c ++ blockIds ++ [
    (program pkgs.e2fsprogs "e2fsck")
    (program pkgs.e2fsprogs "resize2fs")
    (program pkgs.e2fsprogs "mke2fs")
    (library pkgs.libext2fs2t64 "libext2fs.so.2")
    (library pkgs.libext2fs2t64 "libe2p.so.2")
    (library pkgs.libcom-err2 "libcom_err.so.2")
  ];

  # Tells what is on a device.
  blkid = c ++ blockIds ++ [ (program pkgs.util-linux "blkid") ];

  cryptsetup = c ++ blockIds ++ deviceMapper ++ [
    (program pkgs.cryptsetup-bin "cryptsetup")
    (library pkgs.libcryptsetup12 "libcryptsetup.so.12")
    (library pkgs.libpopt0 "libpopt.so.0")
    (library pkgs.libjson-c5 "libjson-c.so.5")
    (library pkgs.libssl3t64 "libcrypto.so.3")
    (library pkgs.zlib1g "libz.so.1")
    (library pkgs.libzstd1 "libzstd.so.1")
    # Loaded at run time: ending a thread, and the old hashes of LUKS1 volumes.
    (library pkgs.libgcc-s1 "libgcc_s.so.1")
    (library pkgs.openssl-provider-legacy "ossl-modules/legacy.so"
      // { path = "/${folder}/ossl-modules/legacy.so"; })
  ];

  lvm = c ++ blockIds ++ deviceMapper ++ [
    (program pkgs.lvm2 "lvm")
    (library pkgs."libdevmapper-event1.02.1" "libdevmapper-event.so.1.02.1")
    (library pkgs.libedit2 "libedit.so.2")
    (library pkgs.libsystemd0 "libsystemd.so.0")
    (library pkgs.libaio1t64 "libaio.so.1t64")
    (library pkgs.libtinfo6 "libtinfo.so.6")
    (library pkgs.libbsd0 "libbsd.so.0")
    (library pkgs.libmd0 "libmd.so.0")
  ];
}
