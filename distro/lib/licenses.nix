# Licenses by the names package metadata uses.
{ lib }:
let
  made = spdxId: fullName: free: {
    inherit spdxId fullName free;
    url = "https://spdx.org/licenses/${spdxId}.html";
    deprecated = false;
    redistributable = true;
  };
  named = name: license: license // { shortName = name; };
in
builtins.mapAttrs named {
  agpl3Only = made "AGPL-3.0-only" "GNU Affero General Public License v3.0 only" true;
  agpl3Plus = made "AGPL-3.0-or-later" "GNU Affero General Public License v3.0 or later" true;
  artistic1 = made "Artistic-1.0" "Artistic License 1.0" true;
  artistic2 = made "Artistic-2.0" "Artistic License 2.0" true;
  asl20 = made "Apache-2.0" "Apache License 2.0" true;
  bsd0 = made "0BSD" "BSD Zero Clause License" true;
  bsd2 = made "BSD-2-Clause" "BSD 2-Clause License" true;
  bsd3 = made "BSD-3-Clause" "BSD 3-Clause License" true;
  bsdOriginal = made "BSD-4-Clause" "BSD 4-Clause License" true;
  boost = made "BSL-1.0" "Boost Software License 1.0" true;
  cc0 = made "CC0-1.0" "Creative Commons Zero v1.0 Universal" true;
  cc-by-40 = made "CC-BY-4.0" "Creative Commons Attribution 4.0" true;
  cc-by-sa-40 = made "CC-BY-SA-4.0" "Creative Commons Attribution Share Alike 4.0" true;
  cc-by-nc-sa-40 = made "CC-BY-NC-SA-4.0" "Creative Commons Attribution Non Commercial Share Alike 4.0" false;
  epl20 = made "EPL-2.0" "Eclipse Public License 2.0" true;
  fdl13Plus = made "GFDL-1.3-or-later" "GNU Free Documentation License v1.3 or later" true;
  gpl2Only = made "GPL-2.0-only" "GNU General Public License v2.0 only" true;
  gpl2Plus = made "GPL-2.0-or-later" "GNU General Public License v2.0 or later" true;
  gpl3Only = made "GPL-3.0-only" "GNU General Public License v3.0 only" true;
  gpl3Plus = made "GPL-3.0-or-later" "GNU General Public License v3.0 or later" true;
  isc = made "ISC" "ISC License" true;
  lgpl2Only = made "LGPL-2.0-only" "GNU Library General Public License v2 only" true;
  lgpl2Plus = made "LGPL-2.0-or-later" "GNU Library General Public License v2 or later" true;
  lgpl21Only = made "LGPL-2.1-only" "GNU Lesser General Public License v2.1 only" true;
  lgpl21Plus = made "LGPL-2.1-or-later" "GNU Lesser General Public License v2.1 or later" true;
  lgpl3Only = made "LGPL-3.0-only" "GNU Lesser General Public License v3.0 only" true;
  lgpl3Plus = made "LGPL-3.0-or-later" "GNU Lesser General Public License v3.0 or later" true;
  libpng = made "Libpng" "libpng License" true;
  mit = made "MIT" "MIT License" true;
  mpl11 = made "MPL-1.1" "Mozilla Public License 1.1" true;
  mpl20 = made "MPL-2.0" "Mozilla Public License 2.0" true;
  ncsa = made "NCSA" "University of Illinois/NCSA Open Source License" true;
  ofl = made "OFL-1.1" "SIL Open Font License 1.1" true;
  openssl = made "OpenSSL" "OpenSSL License" true;
  psfl = made "Python-2.0" "Python Software Foundation License version 2" true;
  unlicense = made "Unlicense" "The Unlicense" true;
  vim = made "Vim" "Vim License" true;
  wtfpl = made "WTFPL" "Do What The F*ck You Want To Public License" true;
  x11 = made "X11" "X11 License" true;
  zlib = made "Zlib" "zlib License" true;

  free = {
    fullName = "Unspecified free software license";
    free = true;
    redistributable = true;
  };
  publicDomain = {
    fullName = "Public Domain";
    free = true;
    redistributable = true;
  };
  unfree = {
    fullName = "Unfree";
    free = false;
    redistributable = false;
  };
  unfreeRedistributable = {
    fullName = "Unfree redistributable";
    free = false;
    redistributable = true;
  };
  unfreeRedistributableFirmware = {
    fullName = "Unfree redistributable firmware";
    free = false;
    redistributable = true;
  };
}
