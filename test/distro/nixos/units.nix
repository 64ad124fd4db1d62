# Units of systemd: from options to text, links and packages.
{ lib }:
let
  evaluate = import ./support/evaluate.nix { inherit lib; };
  config = configuration: (evaluate [ configuration ]).config;
  unit = name: configuration: (config configuration).systemd.units.${name};
  text = name: configuration: (unit name configuration).text;
  service = settings: text "a.service" { systemd.services.a = settings; };
  utils = (evaluate [ ])._module.args.utils;
in
{
  service = {
    expr = service {
      description = "A service";
      after = [ "b.service" ];
      wants = [ "b.service" "c.target" ];
      unitConfig.ConditionPathExists = "/x";
      environment = { B = "two words"; A = "1"; NONE = null; };
      serviceConfig = { Type = "oneshot"; ExecStart = [ "" "/bin/x" ]; RemainAfterExit = true; };
      restartIfChanged = false;
    };
    expected = ''
      [Unit]
      After=b.service
      ConditionPathExists=/x
      Description=A service
      Wants=b.service
      Wants=c.target

      [Service]
      Environment="A=1"
      Environment="B=two words"
      X-RestartIfChanged=false
      ExecStart=
      ExecStart=/bin/x
      RemainAfterExit=true
      Type=oneshot
    '';
  };
  settingsOfSeveralModules = {
    expr = (evaluate [
      { systemd.services.a = { after = [ "x.service" ]; serviceConfig.ExecStartPre = "/one"; }; }
      { systemd.services.a = { unitConfig.After = "y.service"; serviceConfig.ExecStartPre = [ "/two" ]; }; }
    ]).config.systemd.units."a.service".text;
    expected = ''
      [Unit]
      After=x.service
      After=y.service

      [Service]
      ExecStartPre=/one
      ExecStartPre=/two
    '';
  };
  conflictOfSettings = {
    expr = (evaluate [ { systemd.services.a.serviceConfig.Type = "simple"; } { systemd.services.a.serviceConfig.Type = "forking"; } ]).config.systemd.units."a.service".text;
    expectedError = "The option `systemd.services.a.serviceConfig.Type' has conflicting definition values:";
  };
  script = {
    expr = map (phrase: lib.hasInfix phrase (service { script = "echo hi"; scriptArgs = "%i"; preStart = "true"; }))
      [ "-unit-script-a-start %i\n" "-unit-script-a-pre-start\n" "ExecStart=/nix/store/" ];
    expected = [ true true true ];
  };
  pathOfDebianPackages = {
    expr =
      let
        c = config ({ pkgs, ... }: { systemd.services.a = { path = [ pkgs.jq ]; serviceConfig.ExecStart = "/bin/x"; }; });
      in
      [ c.systemd.units."a.service".text (lib.elem "jq" (map lib.getName c.environment.systemPackages)) ];
    expected = [ "[Unit]\n\n[Service]\nExecStart=/bin/x\n" true ];
  };
  pathOfOthers = {
    expr = lib.hasInfix "Environment=\"PATH=/opt/tool/bin:/opt/tool/sbin:/usr/local/bin" (service { path = [ "/opt/tool" ]; });
    expected = true;
  };
  standsAlone = {
    expr = map (settings: (unit "a.service" { systemd.services.a = settings; }).standsAlone) [
      { serviceConfig.ExecStart = "/x"; }
      { script = "x"; }
      { serviceConfig.ExecStart = [ "" "/x" ]; }
      { serviceConfig.Nice = 1; }
      { wantedBy = [ "multi-user.target" ]; }
    ];
    expected = [ true true false false false ];
  };
  onlyEnabled = { expr = service { wantedBy = [ "multi-user.target" ]; }; expected = "[Unit]\n"; };
  timer = {
    expr =
      let
        c = config { systemd.services.a = { script = "x"; startAt = "daily"; }; };
      in
      [ c.systemd.units."a.timer".text c.systemd.units."a.timer".wantedBy ];
    expected = [ "[Unit]\n\n[Timer]\nOnCalendar=daily\n" [ "timers.target" ] ];
  };
  socket = {
    expr = text "a.socket" { systemd.sockets.a = { listenStreams = [ "/run/a" "22" ]; socketConfig.Accept = true; wantedBy = [ "sockets.target" ]; }; };
    expected = "[Unit]\n\n[Socket]\nListenStream=/run/a\nListenStream=22\nAccept=true\n";
  };
  mount = {
    expr = text "mnt-my\\x2ddata.mount" { systemd.mounts = [ { what = "/dev/vdb"; where = "/mnt/my-data"; type = "ext4"; options = "ro"; } ]; };
    expected = "[Unit]\n\n[Mount]\nOptions=ro\nType=ext4\nWhat=/dev/vdb\nWhere=/mnt/my-data\n";
  };
  triggers = {
    expr = map (trigger: builtins.match "\\[Unit]\nX-Restart-Triggers=([^\n]*)\n" (service { restartTriggers = [ trigger ]; })) [ "/etc/x" "two\nlines" ];
    expected = [ [ "/etc/x" ] [ (builtins.hashString "sha256" "two\nlines") ] ];
  };
  startLimit = { expr = service { startLimitBurst = 3; startLimitIntervalSec = 0; }; expected = "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=0\n"; };
  oneshotRestarted = {
    expr = (config { systemd.services.a.serviceConfig = { Type = "oneshot"; Restart = "always"; ExecStart = "/x"; }; }).system.build.toplevel.drvPath;
    expectedError = "'Type=oneshot' cannot have 'Restart=always'";
  };
  unitNameWithoutSuffix = { expr = service { after = [ "network" ]; }; expectedError = "is not of type `name of a systemd unit, with its suffix'"; };
  onlineWithoutWanting = {
    expr = (config { systemd.services.a.after = [ "network-online.target" ]; }).warnings;
    expected = [ "a.service is ordered after 'network-online.target' but doesn't depend on it" ];
  };
  tmpfiles = {
    expr =
      let
        etc = (config {
          systemd.tmpfiles.rules = [ "d /srv 0755 root root -" ];
          systemd.tmpfiles.settings.mine."/var/lib/a b".d = { mode = "0700"; user = "me"; };
        }).environment.etc;
      in
      map (file: etc."tmpfiles.d/${file}.conf".text) [ "00-nixos" "mine" ];
    expected = [ "d /srv 0755 root root -\n" "d \"/var/lib/a b\" 0700 me - -\n" ];
  };
  wrongTmpfilesRule = {
    expr = (config { systemd.tmpfiles.rules = [ "/srv 0755" ]; }).system.build.toplevel.drvPath;
    expectedError = "`/srv 0755' is not a rule";
  };
  managerSettings = {
    expr = (config { systemd.settings.Manager.DefaultTimeoutStopSec = "10s"; systemd.globalEnvironment.TZ = "CET"; }).environment.etc."systemd/system.conf".text;
    expected = "[Manager]\nDefaultEnvironment=\"TZ=CET\"\nDefaultTimeoutStopSec=10s\n";
  };
  nspawn = {
    expr = (config { systemd.nspawn.box = { execConfig.Boot = true; filesConfig.Bind = [ "/a" "/b" ]; }; }).environment.etc."systemd/nspawn/box.nspawn".text;
    expected = "[Exec]\nBoot=true\n\n[Files]\nBind=/a\nBind=/b\n\n[Network]\n";
  };
  escapePath = {
    expr = map utils.escapeSystemdPath [ "/dev/disk/by-label/my label" "/" "/.hidden//x/" "a@b" ];
    expected = [ "dev-disk-by\\x2dlabel-my\\x20label" "-" "\\x2ehidden-x" "a\\x40b" ];
  };
  escapeArguments = {
    expr = utils.escapeSystemdExecArgs [ "a b" "50%" "$HOME" 3 ];
    expected = "\"a b\" \"50%%\" \"$$HOME\" \"3\"";
  };
}
