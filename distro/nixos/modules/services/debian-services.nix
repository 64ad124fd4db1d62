# Services that need no more than to be switched on: the package, its own configuration, its units.
#
# services.<name>.enable, with NixOS's name, does what installing the package on Debian does: the
# units that its maintainer scripts would enable are enabled, by their [Install] sections. Whoever
# wants another configuration writes it with environment.etc. A service that has options of its own
# here has a module of its own and is not in this table. What a package's maintainer script would
# make besides (an account, owners of directories, a file) stands in the third part.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;

  service = packages: units: description: {
    inherit packages units description;
    accounts = { };
    tmpfiles = [ ];
    etc = { };
  };
  # An account with a group of the same name.
  account = home: { inherit home; };
  table = {
    acpid = service [ "acpid" ] [ "acpid.service" ] "acpid, which acts on power events";
    atd = service [ "at" ] [ "atd.service" ] "atd, which runs commands once at a later time" // {
      tmpfiles = [
        "d /var/spool/cron/atjobs 1770 daemon daemon -"
        "d /var/spool/cron/atspool 1770 daemon daemon -"
        "f /var/spool/cron/atjobs/.SEQ 0600 daemon daemon -"
      ];
    };
    avahi = service [ "avahi-daemon" "libnss-mdns" ] [ "avahi-daemon.service" ] "Avahi, which finds services in the local network" // {
      accounts.avahi = account "/run/avahi-daemon";
    };
    chrony = service [ "chrony" ] [ "chrony.service" ] "chrony, which sets the clock" // {
      accounts._chrony = account "/var/lib/chrony";
      tmpfiles = [
        "d /var/log/chrony 0750 _chrony _chrony -" "d /var/lib/chrony 0750 _chrony _chrony -"
      ];
      etc."chrony/chrony.conf".source = "${pkgs.chrony}/usr/share/chrony/chrony.conf";
      etc."chrony/chrony.keys" = {
        source = "${pkgs.chrony}/usr/share/chrony/chrony.keys";
        mode = "0640";
        group = "_chrony";
      };
    };
    earlyoom = service [ "earlyoom" ] [ "earlyoom.service" ] "earlyoom, which ends a process before memory runs out";
    fail2ban = service [ "fail2ban" "python3-systemd" ] [ "fail2ban.service" ] "fail2ban, which shuts out whoever guesses passwords";
    fwupd = service [ "fwupd" ] [ ] "fwupd, which updates firmware";
    hardware.bolt = service [ "bolt" ] [ ] "bolt, which authorises Thunderbolt devices";
    haveged = service [ "haveged" ] [ "haveged.service" ] "haveged, a source of randomness";
    irqbalance = service [ "irqbalance" ] [ "irqbalance.service" ] "irqbalance, which spreads interrupts over processors";
    pcscd = service [ "pcscd" ] [ "pcscd.socket" ] "pcscd, for smart cards";
    power-profiles-daemon = service [ "power-profiles-daemon" ] [ "power-profiles-daemon.service" ] "power profiles";
    printing = service [ "cups" ] [ "cups.service" "cups.socket" "cups.path" ] "CUPS, which prints";
    rpcbind = service [ "rpcbind" ] [ "rpcbind.socket" "rpcbind.service" ] "rpcbind" // {
      accounts._rpc = account "/run/rpcbind";
    };
    smartd = service [ "smartmontools" ] [ "smartmontools.service" ] "smartd, which watches the health of disks";
    thermald = service [ "thermald" ] [ "thermald.service" ] "thermald, which keeps Intel processors cool";
    tlp = service [ "tlp" ] [ "tlp.service" ] "TLP, which saves power on laptops";
    upower = service [ "upower" ] [ "upower.service" ] "UPower";
    vnstat = service [ "vnstat" ] [ "vnstat.service" ] "vnStat, which counts traffic" // {
      accounts.vnstat = account "/var/lib/vnstat";
      tmpfiles = [ "d /var/lib/vnstat 0755 vnstat vnstat -" ];
    };
  };

  # Names may be nested: { hardware.bolt = …; }.
  isService = value: value ? units;
  flatten = prefix: set: lib.concatLists (lib.mapAttrsToList (name: value:
    if isService value then [ { path = prefix ++ [ name ]; inherit value; } ] else flatten (prefix ++ [ name ]) value) set);
  services = flatten [ ] table;
  enabled = lib.filter (entry: (lib.getAttrFromPath entry.path config.services).enable) services;
in

{
  options.services = lib.foldl' lib.recursiveUpdate { } (map (entry: lib.setAttrByPath entry.path {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the system has ${entry.value.description}. It runs with the configuration that its
        Debian package brings.
      '';
    };
  }) services);

  config = {
    environment.systemPackages = lib.concatMap (entry: map (name: pkgs.${name}) entry.value.packages) enabled;
    environment.etc = lib.mkMerge (map (entry: entry.value.etc) enabled);
    systemd.tmpfiles.rules = lib.concatMap (entry: entry.value.tmpfiles) enabled;
    users.users = lib.mkMerge (map (entry: lib.mapAttrs (name: value: value // {
      isSystemUser = true;
      group = name;
    }) entry.value.accounts) enabled);
    users.groups = lib.mkMerge (
      map (entry: lib.mapAttrs (_: _: { }) entry.value.accounts) enabled
      # Its members may change printers.
      ++ lib.optional config.services.printing.enable { lpadmin = { }; }
    );
    systemd.installedUnits = lib.concatMap (entry: entry.value.units) enabled;
    # Only one program sets the clock.
    services.timesyncd.enable = lib.mkIf config.services.chrony.enable (lib.mkOverride 900 false);
  };
}
