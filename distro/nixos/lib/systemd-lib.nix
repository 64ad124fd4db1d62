# systemd's units: from options to the text of their files, and to the folder that holds them.
#
# Most units come with Debian's packages and stand in the system's tree, below
# /usr/lib/systemd.  What is declared here goes to /etc/systemd: whole units, drop-ins over those
# of packages, and the links by which units want each other.  Which of the two a declaration
# becomes is decided when the folder is made (builtin:systemd-units), since only then are the
# packages' files known.
{
  lib,
  config,
  pkgs,
  utils,
}:
let
  inherit (builtins)
    attrNames attrValues concatLists concatMap concatStringsSep elem filter head isAttrs isBool
    isInt isList isString map match replaceStrings toJSON toString
    ;
  inherit (lib)
    concatMapStrings mkIf mkMerge mkOptionType optional optionalAttrs optionalString toList types
    ;

  # Settings given by the options of all units.
  unitShape =
    { config, options, ... }:
    {
      config.unitConfig =
        let
          from = key: values: optionalAttrs (values != [ ]) { ${key} = values; };
        in
        from "Requires" config.requires
        // from "Wants" config.wants
        // from "Upholds" config.upholds
        // from "After" config.after
        // from "Before" config.before
        // from "BindsTo" config.bindsTo
        // from "PartOf" config.partOf
        // from "Conflicts" config.conflicts
        // from "Requisite" config.requisite
        // from "OnFailure" config.onFailure
        // from "OnSuccess" config.onSuccess
        // from "Documentation" config.documentation
        // from "X-Restart-Triggers" (triggerTexts config.restartTriggers)
        // from "X-Reload-Triggers" (triggerTexts config.reloadTriggers)
        // optionalAttrs (config.description != "") { Description = config.description; }
        // optionalAttrs options.startLimitIntervalSec.isDefined {
          StartLimitIntervalSec = toString config.startLimitIntervalSec;
        }
        // optionalAttrs options.startLimitBurst.isDefined {
          StartLimitBurst = toString config.startLimitBurst;
        };
    };

  # Triggers are compared, never read: what is no plain path stands for itself by its hash.
  triggerTexts = map (
    trigger:
    let
      text = toString trigger;
    in
    if match "[^[:space:]%\"]{1,200}" text != null then
      text
    else
      builtins.hashString "sha256" (builtins.unsafeDiscardStringContext text)
  );

  namedShape =
    suffix:
    { name, ... }:
    {
      config.name = lib.mkDefault "${name}${suffix}";
    };

  scriptOptions = [
    "preStart"
    "script"
    "postStart"
    "reload"
    "preStop"
    "postStop"
  ];

  # A script of a service as a file in the store.
  jobScript =
    service: kind: text:
    pkgs.writeTextFile {
      name = "unit-script-${mkPathSafeName service}-${kind}";
      executable = true;
      text = "#!/bin/bash -e\n${text}\n";
    };

  mkPathSafeName = name: lib.strings.sanitizeDerivationName (replaceStrings [ "@" ":" "\\" "[" "]" ] [ "-" "-" "-" "" "" ] name);

  # Entries of PATH that a service needs beside the system's own.
  ownPath = entries: filter (entry: !utils.isDebianPackage entry) entries;
  systemPath = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/run/current-system/sw/bin";

  serviceShape =
    { name, config, ... }:
    let
      made =
        kind: text: extra:
        let
          script = jobScript name kind text;
        in
        {
          jobScripts = [ script ];
          line = "${script}${extra}";
        };
      have = option: config.${option} != "";
      entries = ownPath config.path;
    in
    {
      imports = [ unitShape (namedShape ".service") ];
      config = mkMerge [
        (mkIf (entries != [ ]) {
          environment.PATH = lib.mkDefault (
            concatStringsSep ":" (
              map (entry: "${entry}/bin:${entry}/sbin") entries
              ++ optional config.enableDefaultPath systemPath
            )
          );
        })
        (mkIf (have "preStart") (
          let
            s = made "pre-start" config.preStart "";
          in
          {
            inherit (s) jobScripts;
            serviceConfig.ExecStartPre = [ s.line ];
          }
        ))
        (mkIf (have "script") (
          let
            s = made "start" config.script (optionalString (config.scriptArgs != "") " ${config.scriptArgs}");
          in
          {
            inherit (s) jobScripts;
            serviceConfig.ExecStart = s.line;
          }
        ))
        (mkIf (have "postStart") (
          let
            s = made "post-start" config.postStart "";
          in
          {
            inherit (s) jobScripts;
            serviceConfig.ExecStartPost = [ s.line ];
          }
        ))
        (mkIf (have "reload") (
          let
            s = made "reload" config.reload "";
          in
          {
            inherit (s) jobScripts;
            serviceConfig.ExecReload = s.line;
          }
        ))
        (mkIf (have "preStop") (
          let
            s = made "pre-stop" config.preStop "";
          in
          {
            inherit (s) jobScripts;
            serviceConfig.ExecStop = s.line;
          }
        ))
        (mkIf (have "postStop") (
          let
            s = made "post-stop" config.postStop "";
          in
          {
            inherit (s) jobScripts;
            serviceConfig.ExecStopPost = s.line;
          }
        ))
      ];
    };

  simpleShape = suffix: { imports = [ unitShape (namedShape suffix) ]; };

  mountShape =
    { config, ... }:
    {
      imports = [ unitShape ];
      config = {
        name = "${utils.escapeSystemdPath config.where}.mount";
        mountConfig = {
          What = config.what;
          Where = config.where;
        }
        // optionalAttrs (config.type != "") { Type = config.type; }
        // optionalAttrs (config.options != "") { Options = config.options; };
      };
    };

  automountShape =
    { config, ... }:
    {
      imports = [ unitShape ];
      config = {
        name = "${utils.escapeSystemdPath config.where}.automount";
        automountConfig.Where = config.where;
      };
    };

  # Text.
  toOption =
    value: if value == true then "true" else if value == false then "false" else toString value;
  lineOf = key: value: "${key}=${toOption value}\n";
  attrsToSection =
    settings:
    concatMapStrings (
      key:
      let
        value = settings.${key};
      in
      if isList value then concatMapStrings (lineOf key) value else lineOf key value
    ) (attrNames settings);
  settingsToSections =
    sections:
    concatStringsSep "\n" (
      map (name: "[${name}]\n${attrsToSection sections.${name}}") (
        filter (name: sections.${name} != null) (attrNames sections)
      )
    );

  section = name: settings: optionalString (settings != { }) "\n[${name}]\n${attrsToSection settings}";
  unitText = def: "[Unit]\n${attrsToSection def.unitConfig}";

  toUnit = suffixed: standsAlone: text: def: {
    inherit (def) name aliases wantedBy requiredBy upheldBy enable overrideStrategy;
    inherit standsAlone;
    text = unitText def + text;
  };

  # A setting that does not begin by clearing what the package's unit has.
  givesAnew =
    settings: key:
    settings ? ${key}
    && settings.${key} != [ ]
    && toString (head (toList settings.${key})) != "";

  environmentLines =
    environment:
    concatMapStrings (
      name:
      let
        value = environment.${name};
        text = "${name}=${value}";
      in
      # systemd reads C escapes inside the quotes and expands % itself.
      optionalString (value != null) "Environment=${toJSON text}\n"
    ) (attrNames environment);

  serviceToUnit =
    def:
    let
      flags =
        if def.reloadIfChanged then
          "X-ReloadIfChanged=true\n"
        else if !def.restartIfChanged then
          "X-RestartIfChanged=false\n"
        else
          "";
      body =
        environmentLines def.environment
        + flags
        + optionalString (!def.stopIfChanged) "X-StopIfChanged=false\n"
        + optionalString def.notSocketActivated "X-NotSocketActivated=true\n"
        + attrsToSection def.serviceConfig;
    in
    toUnit ".service" (givesAnew def.serviceConfig "ExecStart") (
      optionalString (body != "") "\n[Service]\n${body}"
    ) def;

  socketToUnit =
    def:
    let
      listen =
        concatMapStrings (lineOf "ListenStream") def.listenStreams
        + concatMapStrings (lineOf "ListenDatagram") def.listenDatagrams;
      body = listen + attrsToSection def.socketConfig;
    in
    toUnit ".socket" (
      (def.listenStreams != [ ] && head def.listenStreams != "")
      || def.listenDatagrams != [ ]
      || lib.any (givesAnew def.socketConfig) [
        "ListenStream" "ListenDatagram" "ListenSequentialPacket" "ListenFIFO" "ListenNetlink"
      ]
    ) (optionalString (body != "") "\n[Socket]\n${body}") def;
in
{
  inherit toOption attrsToSection settingsToSections mkPathSafeName serviceToUnit socketToUnit;

  shapes = {
    inherit serviceShape mountShape automountShape;
    socketShape = simpleShape ".socket";
    targetShape = simpleShape ".target";
    timerShape = simpleShape ".timer";
    pathShape = simpleShape ".path";
    sliceShape = simpleShape ".slice";
  };

  unitNameType = types.strMatching "[a-zA-Z0-9@%:_.\\\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)" // {
    description = "name of a systemd unit, with its suffix";
  };

  # A setting of a unit file: several definitions are joined if one of them is a list.
  unitOption = mkOptionType {
    name = "systemd option";
    merge =
      loc: defs:
      if lib.any (d: isList d.value) defs then
        concatMap (d: toList d.value) defs
      else
        lib.mergeEqualOption loc defs;
  };

  targetToUnit = def: toUnit ".target" false "" def;
  timerToUnit = def: toUnit ".timer" false (section "Timer" def.timerConfig) def;
  pathToUnit = def: toUnit ".path" false (section "Path" def.pathConfig) def;
  sliceToUnit = def: toUnit ".slice" false (section "Slice" def.sliceConfig) def;
  mountToUnit = def: toUnit ".mount" true (section "Mount" def.mountConfig) def;
  automountToUnit = def: toUnit ".automount" true (section "Automount" def.automountConfig) def;

  # One unit's file alone, in a folder.
  makeUnit =
    name: unit:
    pkgs.writeTextFile {
      name = "unit-${mkPathSafeName name}";
      destination = "/${name}";
      text = if unit.text == null then "" else unit.text;
    };

  # The folder of units, for /etc/systemd/<kind>.
  generateUnits =
    {
      # "system" or "user".
      type,
      units,
      # The system's file tree, null for none.
      tree,
      # Other trees with units that are to be there too.
      packages ? [ ],
      # Links, alias to unit: { "default.target" = "multi-user.target"; }.
      links ? { },
      # Units of packages whose [Install] section is followed.
      install ? [ ],
      # Units of packages that must not run.
      suppress ? [ ],
    }:
    pkgs.builtinDerivation {
      name = "${type}-units";
      builder = "builtin:systemd-units";
      kind = type;
      tree = if tree == null then null else "${tree}";
      packages = map (package: "${package}") (
        filter (package: !utils.isDebianPackage package) packages
      );
      units = map (unit: {
        inherit (unit) name enable aliases wantedBy requiredBy upheldBy standsAlone;
        dropIn = unit.overrideStrategy == "asDropin";
        text = if unit.text == null then "" else unit.text;
      }) (attrValues units);
      inherit links install suppress;
    };

  # Checks that modules put on sections, each a function from section name and settings to null
  # or a message.
  checkUnitConfig =
    group: checks: settings:
    let
      messages = filter (message: message != null) (
        concatLists (map (check: toList (check group settings)) checks)
      );
    in
    if messages == [ ] then true else builtins.trace (concatStringsSep "\n" messages) false;

  assertOnlyFields =
    fields: group: settings:
    map (name: "Systemd ${group} has extra fields: ${name}") (
      filter (name: !elem name fields) (attrNames settings)
    );
  assertValueOneOf =
    name: values: group: settings:
    optional (
      settings ? ${name} && !elem settings.${name} values
    ) "Systemd ${group} field `${name}' cannot have value `${toString settings.${name}}'.";
  assertHasField =
    name: group: settings:
    optional (!(settings ? ${name})) "Systemd ${group} field `${name}' must exist.";
  assertInt =
    name: group: settings:
    optional (
      settings ? ${name} && !isInt settings.${name}
    ) "Systemd ${group} field `${name}' is not an integer";
  assertRange =
    name: low: high: group: settings:
    optional (
      settings ? ${name} && !(low <= settings.${name} && settings.${name} <= high)
    ) "Systemd ${group} field `${name}' is outside the range [${toString low},${toString high}]";
  assertMinimum =
    name: low: group: settings:
    optional (
      settings ? ${name} && settings.${name} < low
    ) "Systemd ${group} field `${name}' must be greater than or equal to ${toString low}";
  assertByteFormat =
    name: group: settings:
    optional (
      settings ? ${name} && match "[0-9]+[KMGT]?" (toString settings.${name}) == null
    ) "Systemd ${group} field `${name}' must be in byte format [0-9]+[KMGT].";
  assertMacAddress =
    name: group: settings:
    optional (
      settings ? ${name} && match "([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}" settings.${name} == null
    ) "Systemd ${group} field `${name}' must be a valid MAC address.";
  assertPort =
    name: group: settings:
    optional (
      settings ? ${name} && !(isInt settings.${name} && settings.${name} >= 0 && settings.${name} <= 65535)
    ) "Error on the systemd ${group} field `${name}': ${toString settings.${name}} is not a valid port number.";
  assertRemoved =
    name: see: group: settings:
    optional (settings ? ${name}) "Systemd ${group} field `${name}' has been removed. See ${see}";
  boolValues = [
    true
    false
    "yes"
    "no"
  ];
}
