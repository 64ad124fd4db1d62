# Alternatives: /usr/bin/editor → /etc/alternatives/editor → the best program there is.
#
# Debian's packages register their programs for such generic names in maintainer scripts, with a
# priority. The table here says the same for the packages that matter; of those in the system the
# one with the highest priority is taken. A machine's owner may change the link in
# /etc/alternatives, or the configuration says environment.alternatives.<name>.target.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.environment.alternatives;
  installed = lib.genAttrs config.system.debianPackageNames (_: true);

  entry = package: priority: target: { inherit package priority target; slaves = { }; };
  entryWith = package: priority: target: slaves: { inherit package priority target slaves; };
  man = name: page: { "/usr/share/man/man1/${name}.1.gz" = "/usr/share/man/man1/${page}.1.gz"; };
  vims = map (flavour: { package = "vim${flavour.suffix}"; program = "/usr/bin/vim.${flavour.name}"; inherit (flavour) priority; }) [
    { suffix = "-tiny"; name = "tiny"; priority = 15; }
    { suffix = ""; name = "basic"; priority = 30; }
    { suffix = "-nox"; name = "nox"; priority = 40; }
    { suffix = "-gtk3"; name = "gtk3"; priority = 50; }
  ];
  fullVims = lib.tail vims;
  vimEntries = list: map (vim: entry vim.package vim.priority vim.program) list;
  nftPair = name: {
    link = "/usr/sbin/${name}";
    providers = [
      (entryWith "iptables" 20 "/usr/sbin/${name}-nft" {
        "/usr/sbin/${name}-restore" = "/usr/sbin/${name}-nft-restore";
        "/usr/sbin/${name}-save" = "/usr/sbin/${name}-nft-save";
      })
    ];
  };

  table = {
    awk = {
      link = "/usr/bin/awk";
      providers = [
        (entryWith "mawk" 5 "/usr/bin/mawk" ({ "/usr/bin/nawk" = "/usr/bin/mawk"; } // man "awk" "mawk"))
        (entryWith "gawk" 10 "/usr/bin/gawk" ({ "/usr/bin/nawk" = "/usr/bin/gawk"; } // man "awk" "gawk"))
      ];
    };
    which = {
      link = "/usr/bin/which";
      providers = [
        (entryWith "debianutils" 0 "/usr/bin/which.debianutils" (man "which" "which.debianutils"))
      ];
    };
    pager = {
      link = "/usr/bin/pager";
      providers = [
        (entryWith "util-linux" 50 "/usr/bin/more" (man "pager" "more"))
        (entryWith "less" 77 "/usr/bin/less" (man "pager" "less"))
      ];
    };
    editor = {
      link = "/usr/bin/editor";
      providers = [ (entryWith "nano" 40 "/usr/bin/nano" (man "editor" "nano")) (entry "ed" (-100) "/usr/bin/ed") ]
        ++ vimEntries vims;
    };
    pico = {
      link = "/usr/bin/pico";
      providers = [ (entryWith "nano" 10 "/usr/bin/nano" (man "pico" "nano")) ];
    };
    vi = { link = "/usr/bin/vi"; providers = vimEntries vims; };
    view = { link = "/usr/bin/view"; providers = vimEntries vims; };
    ex = { link = "/usr/bin/ex"; providers = vimEntries vims; };
    rview = { link = "/usr/bin/rview"; providers = vimEntries vims; };
    rvim = { link = "/usr/bin/rvim"; providers = vimEntries fullVims; };
    vim = { link = "/usr/bin/vim"; providers = vimEntries fullVims; };
    vimdiff = { link = "/usr/bin/vimdiff"; providers = vimEntries fullVims; };
    nc = {
      link = "/usr/bin/nc";
      providers = [
        (entryWith "netcat-traditional" 10 "/usr/bin/nc.traditional" { "/usr/bin/netcat" = "/usr/bin/nc.traditional"; })
        (entryWith "netcat-openbsd" 50 "/usr/bin/nc.openbsd" { "/usr/bin/netcat" = "/usr/bin/nc.openbsd"; })
      ];
    };
    iptables = nftPair "iptables";
    ip6tables = nftPair "ip6tables";
    arptables = nftPair "arptables";
    ebtables = nftPair "ebtables";
    lzma = {
      link = "/usr/bin/lzma";
      providers = [
        (entryWith "xz-utils" 20 "/usr/bin/xz" {
          "/usr/bin/unlzma" = "/usr/bin/unxz";
          "/usr/bin/lzcat" = "/usr/bin/xzcat";
          "/usr/bin/lzmore" = "/usr/bin/xzmore";
          "/usr/bin/lzless" = "/usr/bin/xzless";
          "/usr/bin/lzdiff" = "/usr/bin/xzdiff";
          "/usr/bin/lzcmp" = "/usr/bin/xzcmp";
          "/usr/bin/lzgrep" = "/usr/bin/xzgrep";
          "/usr/bin/lzegrep" = "/usr/bin/xzegrep";
          "/usr/bin/lzfgrep" = "/usr/bin/xzfgrep";
        })
      ];
    };
    rmt = { link = "/usr/sbin/rmt"; providers = [ (entry "tar" 50 "/usr/sbin/rmt-tar") ]; };
    mt = { link = "/usr/bin/mt"; providers = [ (entry "cpio" 10 "/usr/bin/mt-gnu") ]; };
    cc = {
      link = "/usr/bin/cc";
      providers = [ (entry "gcc" 20 "/usr/bin/gcc") (entry "clang" 10 "/usr/bin/clang") ];
    };
    "c++" = {
      link = "/usr/bin/c++";
      providers = [ (entry "g++" 20 "/usr/bin/g++") (entry "clang" 10 "/usr/bin/clang++") ];
    };
    c89 = { link = "/usr/bin/c89"; providers = [ (entry "gcc" 20 "/usr/bin/c89-gcc") ]; };
    c99 = { link = "/usr/bin/c99"; providers = [ (entry "gcc" 20 "/usr/bin/c99-gcc") ]; };
    traceroute = {
      link = "/usr/bin/traceroute";
      providers = [
        (entryWith "traceroute" 100 "/usr/bin/traceroute.db" {
          "/usr/sbin/traceroute" = "/usr/bin/traceroute.db";
          "/usr/bin/traceroute6" = "/usr/bin/traceroute6.db";
        })
      ];
    };
    java = {
      link = "/usr/bin/java";
      providers = map (version: entry "openjdk-${toString version}-jre-headless" (1111 + version)
        "/usr/lib/jvm/java-${toString version}-openjdk-amd64/bin/java") [ 21 25 ];
    };
    javac = {
      link = "/usr/bin/javac";
      providers = map (version: entry "openjdk-${toString version}-jdk-headless" (1111 + version)
        "/usr/lib/jvm/java-${toString version}-openjdk-amd64/bin/javac") [ 21 25 ];
    };
    telnet = {
      link = "/usr/bin/telnet";
      providers = [ (entry "inetutils-telnet" 150 "/usr/bin/inetutils-telnet") ];
    };
    ftp = {
      link = "/usr/bin/ftp";
      providers = [
        (entry "tnftp" 100 "/usr/bin/tnftp") (entry "inetutils-ftp" 40 "/usr/bin/inetutils-ftp")
      ];
    };
    www-browser = {
      link = "/usr/bin/www-browser";
      providers = [
        (entry "w3m" 25 "/usr/bin/w3m") (entry "lynx" 50 "/usr/bin/lynx")
        (entry "links" 24 "/usr/bin/links")
      ];
    };
    rzsh = { link = "/usr/bin/rzsh"; providers = [ (entry "zsh" 20 "/bin/rzsh") ]; };
  };

  best = providers:
    lib.foldl' (chosen: provider:
      if !(installed ? ${provider.package}) then chosen
      else if chosen == null || provider.priority > chosen.priority then provider
      else chosen) null providers;

  automatic = lib.filterAttrs (_: value: value != null)
    (lib.mapAttrs (_: alternative:
      let provider = best alternative.providers; in
      if provider == null then null
      else { inherit (alternative) link; inherit (provider) target slaves; }) table);

  chosen = lib.filterAttrs (_: alternative: alternative.target != null) cfg;

  # A slave's link goes through /etc/alternatives as well, under its own base name.
  linksOf = name: alternative:
    [ { inherit name; inherit (alternative) link target; } ]
    ++ lib.mapAttrsToList (link: target: { name = baseNameOf link; inherit link target; }) alternative.slaves;
  allLinks = lib.concatLists (lib.mapAttrsToList linksOf chosen);
  withDocumentation = config.documentation.enable && config.documentation.man.enable;
  wanted = lib.filter (link: withDocumentation || !(lib.hasPrefix "/usr/share/man/" link.link)) allLinks;
in

{
  options.environment.alternatives = mkOption {
    default = { };
    example = lib.literalExpression ''{ editor.target = "/usr/bin/vim.tiny"; }'';
    description = ''
      Generic program names and which program stands behind each. The usual names get the best
      program of the installed packages by themselves.
    '';
    type = types.attrsOf (types.submodule ({ name, ... }: {
      options = {
        link = mkOption {
          type = types.str;
          default = "/usr/bin/${name}";
          description = "The generic path.";
        };
        target = mkOption {
          type = types.nullOr types.str;
          description = "What it leads to; null for no link.";
        };
        slaves = mkOption {
          type = types.attrsOf types.str;
          default = { };
          description = "Further links that follow this choice: generic path and target.";
        };
      };
    }));
  };

  config = {
    environment.alternatives = lib.mapAttrs (_: alternative: lib.mapAttrs (_: lib.mkDefault) alternative) automatic;

    environment.systemTreeLinks = lib.listToAttrs (map (link:
      lib.nameValuePair (lib.removePrefix "/" link.link) (lib.mkDefault "/etc/alternatives/${link.name}")) wanted);

    environment.etc = lib.listToAttrs (map (link:
      lib.nameValuePair "alternatives/${link.name}" { source = lib.mkDefault link.target; }) wanted);
  };
}
