# Names of nixpkgs for packages that Debian calls otherwise, so that configurations written for
# nixpkgs find them.  A name that Debian has keeps Debian's meaning.
{ pkgs }:
let
  # One tree for a nixpkgs package that Debian splits.
  together =
    name: packages:
    pkgs.mergeTrees {
      inherit name;
      trees = packages;
    };
in
{
  bashInteractive = pkgs.bash;
  busybox-sandbox-shell = pkgs.busybox-static;
  cacert = pkgs.ca-certificates;
  diffoscopeMinimal = pkgs.diffoscope-minimal;
  dnsutils = pkgs.bind9-dnsutils;
  fd = pkgs.fd-find;
  firefox = pkgs.firefox-esr;
  gitFull = pkgs.git;
  gitMinimal = pkgs.git;
  glibc = pkgs.libc6;
  gnugrep = pkgs.grep;
  gnumake = pkgs.make;
  gnused = pkgs.sed;
  gnutar = pkgs.tar;
  gptfdisk = pkgs.gdisk;
  inetutils = pkgs.inetutils-tools;
  iputils = pkgs.iputils-ping;
  neovim-unwrapped = pkgs.neovim;
  netcat = pkgs.netcat-openbsd;
  networkmanager = pkgs.network-manager;
  ntfs3g = pkgs.ntfs-3g;
  openssh = together (builtins.replaceStrings [ "-client" ] [ "" ] pkgs.openssh-client.name) [
    pkgs.openssh-client
    pkgs.openssh-server
    pkgs.openssh-sftp-server
  ];
  python3Minimal = pkgs.python3-minimal;
  ripgrep-all = pkgs.ripgrep;
  shadow = pkgs.passwd;
  vimHugeX = pkgs.vim-gtk3;
  wirelesstools = pkgs.wireless-tools;
  wpa_supplicant = pkgs.wpasupplicant;
  xz = pkgs.xz-utils;
}
