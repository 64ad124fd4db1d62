# Options of systemd's units, by kind of unit.
{ lib, systemdLib }:
let
  inherit (lib) literalExpression mkOption types;
  inherit (systemdLib) unitNameType unitOption;

  names = description: mkOption {
    type = types.listOf unitNameType;
    default = [ ];
    inherit description;
  };

  section = kind: page: example: mkOption {
    type = types.attrsOf unitOption;
    default = { };
    inherit example;
    description = ''
      Settings of the unit's `[${kind}]` section, see {manpage}`${page}(5)`. A list gives the
      setting several times.
    '';
  };

  commands = description: mkOption {
    type = types.lines;
    default = "";
    inherit description;
  };

  list = description: mkOption {
    type = types.listOf types.str;
    default = [ ];
    inherit description;
  };

  sharedOptions = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the unit can be started; a unit that is not enabled is masked.";
    };
    overrideStrategy = mkOption {
      type = types.enum [
        "asDropinIfExists"
        "asDropin"
      ];
      default = "asDropinIfExists";
      description = ''
        How the declaration goes together with a unit of the same name that a package brings.

        `asDropin` always makes a drop-in, `overrides.conf`, which is what an instance of a
        template needs. `asDropinIfExists` makes one if a package has the unit (or its template),
        and the unit itself if not; a service that says its own `ExecStart` (or `script`) takes
        the place of the package's.
      '';
    };
    requiredBy = names "Units that require this one and start it along with themselves.";
    upheldBy = names "Units that keep this one running as long as they do.";
    wantedBy = names ''
      Units that start this one along with themselves. A service that is to run at boot names
      `multi-user.target` here. Units of packages run only when asked for in this way.
    '';
    aliases = names "Further names of the unit.";
  };

  concreteUnitOptions = sharedOptions // {
    name = mkOption {
      type = types.str;
      description = "Name of the unit, with the suffix that says its kind.";
    };
    text = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Text of the unit's file.";
    };
    unit = mkOption {
      internal = true;
      type = types.unspecified;
      description = "The unit's file as a package.";
    };
    # Says more than a drop-in would: replaces a package's unit of the same name.
    standsAlone = mkOption {
      internal = true;
      type = types.bool;
      default = false;
      description = "Whether the text is a whole unit rather than changes to one.";
    };
  };

  commonUnitOptions = {
    description = mkOption {
      type = types.singleLineStr;
      default = "";
      description = "What the unit is, in a few words.";
    };
    documentation = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Where the unit's documentation is, as URIs.";
    };
    requires = names "Units that are started with this one, and without which it cannot run.";
    wants = names "Units that are started with this one; it runs even if they fail.";
    upholds = names "Units that are kept running as long as this one runs.";
    after = names "Units that are started before this one, if they are started at all.";
    before = names "Units that are started after this one, if they are started at all.";
    bindsTo = names "Like `requires`; this unit also stops when one of these goes away.";
    partOf = names "Units whose stopping or restarting stops or restarts this one.";
    conflicts = names "Units that cannot run together with this one.";
    requisite = names "Units that must run already, or this one fails at once.";
    onFailure = names "Units that are started when this one fails.";
    onSuccess = names "Units that are started when this one ends well.";
    unitConfig = section "Unit" "systemd.unit" { RequiresMountsFor = "/data"; };
    startLimitBurst = mkOption {
      type = types.int;
      description = "How often the unit may be started within the interval.";
    };
    startLimitIntervalSec = mkOption {
      type = types.int;
      description = "The interval in seconds; 0 for no limit.";
    };
  };

  stage2Common = {
    restartTriggers = mkOption {
      type = types.listOf types.unspecified;
      default = [ ];
      description = "Values whose change makes the unit be restarted when the system is switched.";
    };
    reloadTriggers = mkOption {
      type = types.listOf unitOption;
      default = [ ];
      description = "Values whose change makes the unit be reloaded when the system is switched.";
    };
  };

  serviceOptions = {
    environment = mkOption {
      type =
        with types;
        attrsOf (
          nullOr (oneOf [
            str
            path
            package
          ])
        );
      default = { };
      example = { LANG = "nl_NL.UTF-8"; };
      description = "Environment variables of the service's processes.";
    };
    path = mkOption {
      type =
        with types;
        listOf (oneOf [
          package
          str
        ]);
      default = [ ];
      description = ''
        Packages whose programs the service calls. Debian's packages are added to the system,
        where every service finds their programs; of other packages and of paths the folders
        {file}`bin` and {file}`sbin` go to the front of `PATH`.
      '';
    };
    enableDefaultPath = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the system's programs follow in `PATH`.";
    };
    serviceConfig = section "Service" "systemd.service" { RestartSec = 5; };
    enableStrictShellChecks = mkOption {
      type = types.bool;
      default = false;
      description = "Accepted for compatibility: scripts are not checked when the system is made.";
    };
    script = commands "Shell commands that are the service's main process.";
    scriptArgs = mkOption {
      type = types.str;
      default = "";
      example = "%i";
      description = "Arguments of {option}`script`.";
    };
    preStart = commands "Shell commands that run before the main process.";
    postStart = commands "Shell commands that run once the main process is started.";
    reload = commands "Shell commands that make the service read its configuration anew.";
    preStop = commands "Shell commands that stop the service.";
    postStop = commands "Shell commands that run once the service has stopped.";
    jobScripts = mkOption {
      type = with types; coercedTo path lib.singleton (listOf path);
      internal = true;
      default = [ ];
      description = "The scripts made for the service.";
    };
  };

  stage2Service = {
    restartIfChanged = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the service is restarted when its unit changes and the system is switched.";
    };
    reloadIfChanged = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the service is reloaded rather than restarted then.";
    };
    stopIfChanged = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the old service is stopped with its own commands before the new one starts.";
    };
    notSocketActivated = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the service is restarted although it has a socket.";
    };
    startAt = mkOption {
      type = with types; either str (listOf str);
      default = [ ];
      apply = value: if builtins.isList value then value else [ value ];
      example = "Sun 14:00:00";
      description = "When the service runs, as {manpage}`systemd.time(7)` writes calendar events; a timer is made.";
    };
  };

  socketOptions = {
    listenStreams = list "Addresses of stream sockets.";
    listenDatagrams = list "Addresses of datagram sockets.";
    socketConfig = section "Socket" "systemd.socket" { ListenStream = "/run/my-socket"; };
  };
  timerOptions.timerConfig = section "Timer" "systemd.timer" {
    OnCalendar = "Sun 14:00:00";
    Unit = "foo.service";
  };
  pathOptions.pathConfig = section "Path" "systemd.path" {
    PathChanged = "/some/path";
    Unit = "changedpath.service";
  };
  sliceOptions.sliceConfig = section "Slice" "systemd.slice" { MemoryMax = "2G"; };
  mountOptions = {
    what = mkOption {
      type = types.str;
      example = "/dev/sda1";
      description = "Device, file or other resource to mount.";
    };
    where = mkOption {
      type = types.str;
      example = "/mnt";
      description = "Where to mount it.";
    };
    type = mkOption {
      type = types.str;
      default = "";
      example = "ext4";
      description = "File system type.";
    };
    options = mkOption {
      type = types.commas;
      default = "";
      example = "noatime";
      description = "Options of the mount.";
    };
    mountConfig = section "Mount" "systemd.mount" { DirectoryMode = "0775"; };
  };
  automountOptions = {
    where = mkOption {
      type = types.str;
      example = "/mnt";
      description = "Path that is mounted when it is first used.";
    };
    automountConfig = section "Automount" "systemd.automount" { DirectoryMode = "0775"; };
  };

  # What a unit of a kind has: its own options, those of all units, the module that turns the
  # short options into settings.
  kind =
    own: shapes:
    {
      imports = shapes;
      options = sharedOptions // commonUnitOptions // own;
    };
  withStage2 = own: stage2Common // own;
  inherit (systemdLib.shapes)
    automountShape mountShape pathShape serviceShape sliceShape socketShape targetShape timerShape
    ;
  nameOption.name = mkOption {
    type = types.str;
    description = "Name of the unit.";
  };
in
{
  inherit sharedOptions commonUnitOptions;
  units = concreteUnitOptions;

  service = kind (withStage2 (nameOption // serviceOptions // stage2Service)) [ serviceShape ];
  socket = kind (withStage2 (nameOption // socketOptions)) [ socketShape ];
  target = kind (withStage2 nameOption) [ targetShape ];
  timer = kind (withStage2 (nameOption // timerOptions)) [ timerShape ];
  path = kind (withStage2 (nameOption // pathOptions)) [ pathShape ];
  slice = kind (withStage2 (nameOption // sliceOptions)) [ sliceShape ];
  mount = kind (withStage2 (nameOption // mountOptions)) [ mountShape ];
  automount = kind (withStage2 (nameOption // automountOptions)) [ automountShape ];
}
