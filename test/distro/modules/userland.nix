# The rest of a text system: shells, locale, time, console, login, alternatives, kernel settings.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  system = configuration: evaluate [ configuration ];
  config = configuration: (system configuration).config;
  etc = name: configuration: (config configuration).environment.etc.${name}.text;
  inherit (lib) hasInfix;
  toplevel = configuration: (config configuration).system.build.toplevel.drvPath;
  setEnvironment = configuration: (config configuration).system.build.setEnvironment.drvAttrs.text;
in
{
  variables = {
    expr = let text = setEnvironment { environment.variables = { A = "x"; B = [ "1" "2" ]; C = null; }; }; in map (part: hasInfix part text) [ ''export A="x"'' ''export B="1:2"'' "export C=" ];
    expected = [ true true false ];
  };
  sessionVariables = {
    expr = let c = config { environment.sessionVariables.FOO = "$HOME/x"; }; in [ (hasInfix ''FOO   DEFAULT="@{HOME}/x"'' c.environment.etc."pam/environment".text) c.environment.variables.FOO ];
    expected = [ true "$HOME/x" ];
  };
  wrappersFirst = { expr = hasInfix ''PATH   DEFAULT="/run/wrappers/bin:'' (etc "pam/environment" { }); expected = true; };
  aliases = {
    expr = let text = etc "bash.bashrc" { environment.shellAliases = { ll = null; gs = "git status"; }; }; in [ (hasInfix "alias -- gs='git status'" text) (hasInfix "alias -- ll=" text) ];
    expected = [ true false ];
  };
  loginShells = { expr = hasInfix "/bin/bash\n" (etc "shells" { }); expected = true; };
  packageShell = {
    expr = let s = system ({ pkgs, ... }: { users.users.a = { isNormalUser = true; shell = pkgs.strace; }; }); in hasInfix "shell=/usr/bin/strace" s.config.system.build.usersSpecification.drvAttrs.text;
    expected = true;
  };

  namesOfTheLocalNetwork = {
    expr = let c = config { services.avahi = { enable = true; nssmdns4 = true; }; services.resolved.enable = true; }; in [ (lib.take 2 c.system.nssDatabases.hosts) (lib.elem 5353 c.networking.firewall.allowedUDPPorts) ];
    expected = [ [ "mdns4_minimal [NOTFOUND=return]" "resolve [!UNAVAIL=return]" ] true ];
  };
  gnupgAgent = {
    expr = (config { programs.gnupg.agent = { enable = true; enableSSHSupport = true; }; }).systemd.user.installedUnits;
    expected = [ "gpg-agent.socket" "gpg-agent-ssh.socket" ];
  };
  twoSshAgents = { expr = toplevel { programs.gnupg.agent = { enable = true; enableSSHSupport = true; }; programs.ssh.startAgent = true; }; expectedError = "exclude each other"; };
  printing = {
    expr = let c = config { services.printing.enable = true; security.rtkit.enable = true; }; in [ (lib.elem "cups.socket" c.systemd.installedUnits) (c.users.groups ? lpadmin) c.users.users.rtkit.group ];
    expected = [ true true "rtkit" ];
  };

  defaultLocale = { expr = let c = config { }; in [ c.i18n.defaultLocale c.i18n.glibcLocales c.environment.etc."locale.conf".text ]; expected = [ "C.UTF-8" null "LANG=C.UTF-8\n" ]; };
  otherLocale = {
    expr = let c = config { i18n.defaultLocale = "de_DE.UTF-8"; i18n.extraLocaleSettings.LC_TIME = "nl_NL.UTF-8"; }; in map (entry: entry.path) c.i18n.glibcLocales.drvAttrs.entries;
    expected = [ "usr/lib/locale/de_DE.utf8" "usr/lib/locale/nl_NL.utf8" ];
  };
  localeFile = { expr = etc "locale.conf" { i18n.extraLocaleSettings.LC_TIME = "nl_NL.UTF-8"; }; expected = "LANG=C.UTF-8\nLC_TIME=nl_NL.UTF-8\n"; };
  timeZone = { expr = let e = (config { time.timeZone = "Europe/Berlin"; }).environment.etc.localtime; in [ e.source e.mode ]; expected = [ "/usr/share/zoneinfo/Europe/Berlin" "direct-symlink" ]; };
  noTimeZone = { expr = (config { }).environment.etc ? localtime; expected = false; };
  badTimeZone = { expr = (config { time.timeZone = "Europe / Berlin"; }).time.timeZone; expectedError = "time.timeZone"; };
  clock = { expr = etc "adjtime" { time.hardwareClockInLocalTime = true; }; expected = "0.0 0 0\n0\nLOCAL\n"; };

  plainConsole = { expr = (config { }).systemd.services ? console-font-and-keys; expected = false; };
  germanConsole = { expr = let c = config { console.keyMap = "de-latin1"; }; in [ (c.systemd.services ? console-font-and-keys) (lib.elem "console-data" (map (p: p.pname or "") c.environment.systemPackages)) ]; expected = [ true true ]; };
  keyMapAlias = { expr = etc "vconsole.conf" { console.keyMap = "sv-latin1"; }; expected = "KEYMAP=se-latin1\n"; };
  keyMapUnknown = { expr = toplevel { console.keyMap = "klingon"; }; expectedError = "`console.keyMap' is not of type `name of a key map of Debian's console-data, or path'"; };
  timeZoneMisspelt = { expr = toplevel { time.timeZone = "Europe/Berlim"; }; expectedError = "Did you mean \"Europe/Berlin\"?"; };
  localeMisspelt = { expr = toplevel { i18n.defaultLocale = "de_DF.UTF-8"; }; expectedError = [ "name of one of glibc's locales" "Did you mean \"de_DE.UTF-8\"" ]; };
  localeOfOneCharset = { expr = (config { i18n.defaultLocale = "en_IN.UTF-8"; }).environment.etc."locale.conf".text or "" != ""; expected = true; };
  consoleColors = { expr = (config { console.colors = [ "002b36" "dc322f" ]; }).boot.kernelParams; expected = [ "vt.default_red=0,220" "vt.default_grn=43,50" "vt.default_blu=54,47" ]; };
  consoleOldName = { expr = (config { i18n.consoleKeyMap = "fr"; }).console.keyMap; expected = "fr"; };

  autologin = {
    expr = let s = (config { services.getty.autologinUser = "alice"; }).systemd.services; in map (name: lib.any (hasInfix "--autologin alice") (map toString s.${name}.serviceConfig.ExecStart)) [ "getty@" "serial-getty@" ];
    expected = [ true true ];
  };
  helpLine = { expr = hasInfix "try harder" (etc "issue" { services.getty.helpLine = "try harder"; }); expected = true; };

  alternatives = {
    expr = let c = config ({ pkgs, ... }: { environment.systemPackages = [ pkgs.gawk ]; }); in [ c.environment.alternatives.editor.target c.environment.alternatives.vi.target or null c.environment.systemTreeLinks."usr/bin/editor" c.environment.etc."alternatives/awk".source ];
    expected = [ "/usr/bin/nano" null "/etc/alternatives/editor" "/usr/bin/gawk" ];
  };
  alternativeChosen = { expr = (config { environment.alternatives.editor.target = "/usr/bin/ed"; }).environment.etc."alternatives/editor".source; expected = "/usr/bin/ed"; };
  alternativeOff = { expr = (config { environment.alternatives.editor.target = null; }).environment.etc ? "alternatives/editor"; expected = false; };

  sysctl = {
    expr = let lines = lib.splitString "\n" (etc "sysctl.d/60-nixos.conf" { boot.kernel.sysctl = { "a.b" = true; "c.d" = false; "e.f" = null; "g.h" = 7; "net.core.rmem_max" = 5; }; }); in map (line: lib.elem line lines) [ "a.b=1" "c.d=0" "g.h=7" "net.core.rmem_max=5" "e.f=" ];
    expected = [ true true true true false ];
  };
  sysctlHighest = { expr = (evaluate [ { boot.kernel.sysctl."net.core.rmem_max" = 5; } { boot.kernel.sysctl."net.core.rmem_max" = 9; } ]).config.boot.kernel.sysctl."net.core.rmem_max"; expected = 9; };
  sysctlConflict = { expr = toplevel { imports = [ { boot.kernel.sysctl."vm.swappiness" = 1; } { boot.kernel.sysctl."vm.swappiness" = 2; } ]; }; expectedError = "vm.swappiness"; };

  zram = { expr = hasInfix "zram-size = min(ram * 50 / 100, 1024)" (etc "systemd/zram-generator.conf" { zramSwap = { enable = true; memoryMax = 1073741824; }; }); expected = true; };
  cron = { expr = let c = config { services.cron.systemCronJobs = [ "* * * * * root true" ]; }; in [ c.services.cron.enable c.environment.etc.crontab.mode (hasInfix "root true" c.environment.etc.crontab.text) ]; expected = [ true "0600" true ]; };
  cronOff = { expr = (config { }).environment.etc ? crontab; expected = false; };
  fstrim = { expr = let c = config { services.fstrim.enable = true; }; in c.systemd.timers.fstrim.timerConfig.OnCalendar; expected = [ "" "weekly" ]; };
  gitConfig = { expr = etc "gitconfig" { programs.git = { enable = true; config = { init.defaultBranch = "main"; url."https://x/".insteadOf = [ "a:" "b:" ]; }; }; }; expected = "[init]\n\tdefaultBranch = \"main\"\n[url \"https://x/\"]\n\tinsteadOf = \"a:\"\n\tinsteadOf = \"b:\"\n"; };
  zsh = { expr = let c = config { programs.zsh = { enable = true; histSize = 5; shellAliases.g = "git"; }; }; in [ (hasInfix "HISTSIZE=5\n" c.environment.etc."zsh/zshenv".text) (hasInfix "alias -- g='git'\n" c.environment.etc."zsh/zshrc".text || hasInfix "alias -- g=git\n" c.environment.etc."zsh/zshrc".text) (lib.elem "/bin/zsh" c.environment.shells) ]; expected = [ true true true ]; };
  docker = { expr = let c = config { virtualisation.docker = { enable = true; enableOnBoot = false; daemon.settings.ipv6 = true; }; }; in [ c.environment.etc."docker/daemon.json".text c.systemd.services.docker.wantedBy c.systemd.sockets.docker.wantedBy c.boot.kernel.sysctl."net.ipv4.conf.all.forwarding" ]; expected = [ "{\"ipv6\":true}" [ ] [ "sockets.target" ] true ]; };
  packagedService = {
    expr = let c = config { services.vnstat.enable = true; services.chrony.enable = true; }; in [ c.systemd.installedUnits c.users.users.vnstat.group (c.users.groups ? _chrony) c.services.timesyncd.enable c.environment.etc."chrony/chrony.keys".mode ];
    expected = [ [ "chrony.service" "vnstat.service" ] "vnstat" true false "0640" ];
  };
  packagedServiceOff = { expr = let c = config { }; in [ (c.users.users ? vnstat) c.services.timesyncd.enable ]; expected = [ false true ]; };
  packagedProgram = { expr = let c = config { programs.mosh.enable = true; programs.neovim = { enable = true; viAlias = true; }; }; in [ (lib.elem "mosh" (map (p: p.pname or "") c.environment.systemPackages)) c.environment.systemTreeLinks."usr/bin/vi" c.networking.firewall.allowedUDPPortRanges ]; expected = [ true "nvim" [ { from = 60000; to = 61000; } ] ]; };
  journal = { expr = hasInfix "Storage=volatile\n" (etc "systemd/journald.conf" { services.journald.storage = "volatile"; }); expected = true; };
  logindOldName = { expr = hasInfix "HandleLidSwitch=ignore\n" (etc "systemd/logind.conf" { services.logind.lidSwitch = "ignore"; }); expected = true; };
  nixConf = { expr = let text = etc "nix/nix.conf" { nix.enable = true; nix.settings = { cores = 4; sandbox = false; experimental-features = [ "nix-command" "flakes" ]; }; }; in map (part: hasInfix part text) [ "cores = 4\n" "sandbox = false\n" "experimental-features = nix-command flakes\n" "build-users-group = \n" ]; expected = [ true true true true ]; };
  noNix = { expr = (config { nix.settings.cores = 4; }).environment.etc ? "nix/nix.conf"; expected = false; };
  timeServers = { expr = etc "systemd/timesyncd.conf" { networking.timeServers = [ "a" "b" ]; }; expected = "[Time]\nFallbackNTP=a b\n"; };
  installationDevice = {
    expr =
      let
        c = (evaluate [ ../../../distro/nixos/modules/profiles/installation-device.nix ]).config;
      in
      [ c.users.users.nixos.initialHashedPassword c.users.users.nixos.extraGroups c.security.sudo.wheelNeedsPassword c.services.getty.autologinUser c.services.openssh.enable c.services.openssh.settings.PermitRootLogin ];
    expected = [ "" [ "wheel" "networkmanager" "video" ] false "nixos" true "yes" ];
  };
  minimalProfile = { expr = (evaluate [ ../../../distro/nixos/modules/profiles/minimal.nix ]).config.documentation.man.enable; expected = false; };
}
