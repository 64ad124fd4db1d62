# Who may do what: sudo, PAM, wrappers, polkit, certificates.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  config = configuration: (evaluate [ configuration ]).config;
  inherit (lib) hasInfix hasPrefix;
  sudoers = configuration: (config configuration).security.sudo.configFile;
  lines = text: builtins.filter (line: line != "") (lib.splitString "\n" text);
  pam = name: configuration: (config configuration).security.pam.services.${name}.text;
  stack = kind: text: map (line: lib.removePrefix "${kind} " line) (builtins.filter (hasPrefix "${kind} ") (lines text));
  has = part: text: lib.any (hasInfix part) (lines text);
in
{
  sudoDefault = {
    expr = let text = lines (sudoers { }); in map (rule: lib.elem rule text) [ "root ALL = (ALL:ALL) SETENV: ALL" "%wheel ALL = (ALL:ALL) SETENV: ALL" "@includedir /etc/sudoers.d" ];
    expected = [ true true true ];
  };
  sudoWithoutPassword = {
    expr = lib.elem "%wheel ALL = (ALL:ALL) SETENV:NOPASSWD: ALL" (lines (sudoers { security.sudo.wheelNeedsPassword = false; }));
    expected = true;
  };
  sudoRules = {
    expr = builtins.filter (hasInfix "=(" ) (map (builtins.replaceStrings [ " = " ] [ "=" ]) (builtins.filter (hasInfix "backup") (lines (sudoers {
      security.sudo.extraRules = [ { users = [ 1000 "alice" ]; groups = [ "backup" 77 ]; runAs = "backup"; host = "box"; commands = [ "/bin/a" { command = "/bin/b"; options = [ "NOPASSWD" "SETENV" ]; } ]; } ];
    }))));
    expected = [
      "#1000 box=(backup) /bin/a, NOPASSWD:SETENV: /bin/b"
      "alice box=(backup) /bin/a, NOPASSWD:SETENV: /bin/b"
      "%backup box=(backup) /bin/a, NOPASSWD:SETENV: /bin/b"
      "%#77 box=(backup) /bin/a, NOPASSWD:SETENV: /bin/b"
    ];
  };
  sudoFileMode = { expr = (config { }).environment.etc.sudoers.mode; expected = "0440"; };
  sudoOff = { expr = (config { security.sudo.enable = false; }).environment.etc ? sudoers; expected = false; };
  sudoBadTag = {
    expr = sudoers { security.sudo.extraRules = [ { users = [ "a" ]; commands = [ { command = "x"; options = [ "NOPASS" ]; } ]; } ]; };
    expectedError = "NOPASS";
  };

  loginAuth = {
    expr = stack "auth" (pam "login" { });
    expected = [
      "optional pam_faildelay.so delay=3000000"
      "[success=1 default=ignore] pam_unix.so nullok try_first_pass"
      "requisite pam_deny.so"
      "required pam_permit.so"
    ];
  };
  sshdRefusesEmptyPasswords = { expr = has "nullok" (lib.concatStringsSep "\n" (stack "auth" (pam "sshd" { services.openssh.enable = true; }))); expected = false; };
  suRoot = { expr = builtins.head (stack "auth" (pam "su" { })); expected = "sufficient pam_rootok.so"; };
  otherIsRefused = { expr = stack "auth" (pam "other" { }); expected = [ "required pam_warn.so" "required pam_deny.so" ]; };
  sessionRegistered = { expr = map (name: has "pam_systemd.so" (pam name { })) [ "login" "systemd-user" "sudo" ]; expected = [ true true false ]; };
  ruleDisabled = {
    expr = has "faildelay" (pam "login" { security.pam.services.login.rules.auth.faildelay.enable = false; });
    expected = false;
  };
  ruleChanged = {
    expr = builtins.head (stack "auth" (pam "login" { security.pam.services.login.rules.auth.unix = { order = 1; settings.nodelay = true; }; }));
    expected = "[success=1 default=ignore] pam_unix.so nodelay nullok try_first_pass";
  };
  ruleAdded = {
    expr = lib.last (stack "session" (pam "login" { security.pam.services.login.rules.session.mine = { order = 99999; control = "optional"; modulePath = "pam_exec.so"; args = [ "/bin/a b" ]; }; }));
    expected = "optional pam_exec.so [/bin/a b]";
  };
  ownText = { expr = pam "login" { security.pam.services.login.text = "auth required pam_deny.so\n"; }; expected = "auth required pam_deny.so\n"; };
  limits = {
    expr = let c = config { security.pam.loginLimits = [ { domain = "*"; type = "soft"; item = "nofile"; value = 4096; } ]; };
      in has "pam_limits.so conf=/nix/store/" c.security.pam.services.login.text;
    expected = true;
  };
  commonFiles = {
    expr = let etc = (config { }).environment.etc; in map (name: etc ? "pam.d/common-${name}") [ "account" "auth" "password" "session" "session-noninteractive" ];
    expected = [ true true true true true ];
  };
  motd = {
    expr = let c = config { users.motd = "hello"; }; in [ c.environment.etc.motd.text (has "pam_motd.so" c.security.pam.services.login.text) ];
    expected = [ "hello" true ];
  };

  wrapperPaths = {
    expr = let c = (config { }).environment.systemTreeLinks; in map (path: c.${path} or null) [ "usr/bin/sudo" "usr/bin/su" "usr/sbin/unix_chkpwd" "usr/lib/openssh/ssh-keysign" "usr/bin/mount" ];
    expected = [ "/run/wrappers/bin/sudo" "/run/wrappers/bin/su" "/run/wrappers/bin/unix_chkpwd" "/run/wrappers/bin/ssh-keysign" null ];
  };
  wrapperScript = {
    expr =
      let
        text = (config { security.wrappers.probe = { source = "/bin/x"; owner = "root"; group = "disk"; setgid = true; permissions = "u+rx,g+x"; }; }).system.activationScripts.wrappers.text;
      in
      map (part: hasInfix part text) [ "chown root:disk \"$fresh\"/probe" "chmod u+rx,g+x,g+s \"$fresh\"/probe" ];
    expected = [ true true ];
  };
  wrapperCapabilities = {
    expr = hasInfix "setcap cap_net_raw+ep \"$fresh\"/ping" (config { }).system.activationScripts.wrappers.text;
    expected = true;
  };
  wrapperBoth = {
    expr = (config { security.wrappers.x = { source = "/x"; owner = "root"; group = "root"; setuid = true; capabilities = "cap_chown+ep"; }; }).system.build.toplevel.drvPath;
    expectedError = "security.wrappers.x has setuid or setgid as well as capabilities";
  };
  polkitAdministrators = {
    expr = hasInfix ''return ["unix-user:alice", "unix-group:wheel"];'' (config { security.polkit = { enable = true; adminIdentities = [ "unix-user:alice" "unix-group:wheel" ]; }; }).environment.etc."polkit-1/rules.d/10-nixos.rules".text;
    expected = true;
  };
  certificates = {
    expr = let c = config { security.pki.certificates = [ "PEM" ]; }; in lib.length c.security.pki.caBundle.drvAttrs.files or [ ];
    expected = 2;
  };
}
