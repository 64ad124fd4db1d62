# The accounts that a Debian system has without anybody asking: base-passwd's static numbers, and
# those that maintainer scripts or sysusers.d files of the basic packages would add.
#
# Debian hands the second kind numbers in order of installation; here each has a fixed one
# (980–999, which sysusers itself never hands out here), so that files on a disk keep their owner
# from one generation to the next. Other packages' accounts come from their own sysusers.d files
# at activation.
{ config, lib, ... }:

let
  nologin = "/usr/sbin/nologin";
  static = uid: group: home: { inherit uid group home; };
  staticUsers = {
    daemon = static 1 "daemon" "/usr/sbin";
    bin = static 2 "bin" "/bin";
    sys = static 3 "sys" "/dev";
    sync = static 4 "nogroup" "/bin" // { shell = "/bin/sync"; };
    games = static 5 "games" "/usr/games";
    man = static 6 "man" "/var/cache/man";
    lp = static 7 "lp" "/var/spool/lpd";
    mail = static 8 "mail" "/var/mail";
    news = static 9 "news" "/var/spool/news";
    uucp = static 10 "uucp" "/var/spool/uucp";
    proxy = static 13 "proxy" "/bin";
    www-data = static 33 "www-data" "/var/www";
    backup = static 34 "backup" "/var/backups";
    list = static 38 "list" "/var/list" // { description = "Mailing List Manager"; };
    irc = static 39 "irc" "/run/ircd" // { description = "ircd"; };
    _apt = static 42 "nogroup" "/nonexistent";

    messagebus = static 995 "messagebus" "/nonexistent" // { description = "System Message Bus"; };
    systemd-network = static 998 "systemd-network" "/" // { description = "systemd Network Management"; };
    systemd-timesync = static 997 "systemd-timesync" "/" // { description = "systemd Time Synchronization"; };
    systemd-resolve = static 996 "systemd-resolve" "/" // { description = "systemd Resolver"; };
    sshd = static 993 "nogroup" "/run/sshd" // { description = "sshd user"; };
    # tcpdump gives up root's rights for this one.
    tcpdump = static 403 "tcpdump" "/nonexistent";
    polkitd = static 994 "polkitd" "/" // { description = "User for polkitd"; };
  };
  staticGroups = {
    root = 0;
    daemon = 1;
    bin = 2;
    sys = 3;
    adm = 4;
    tty = 5;
    disk = 6;
    lp = 7;
    mail = 8;
    news = 9;
    uucp = 10;
    man = 12;
    proxy = 13;
    kmem = 15;
    dialout = 20;
    fax = 21;
    voice = 22;
    cdrom = 24;
    floppy = 25;
    tape = 26;
    sudo = 27;
    audio = 29;
    dip = 30;
    www-data = 33;
    backup = 34;
    operator = 37;
    list = 38;
    irc = 39;
    src = 40;
    shadow = 42;
    utmp = 43;
    video = 44;
    sasl = 45;
    plugdev = 46;
    staff = 50;
    games = 60;
    keys = 96;
    users = 100;
    nogroup = 65534;

    systemd-journal = 999;
    systemd-network = 998;
    systemd-timesync = 997;
    systemd-resolve = 996;
    messagebus = 995;
    polkitd = 994;
    _ssh = 992;
    input = 991;
    sgx = 990;
    clock = 989;
    kvm = 988;
    render = 987;
    crontab = 986;
    netdev = 985;
    tcpdump = 403;
    wheel = 984;
  };
in
{
  config.users = {
    users = lib.mapAttrs (_: user: {
      isSystemUser = true;
      shell = lib.mkDefault nologin;
    } // lib.mapAttrs (_: lib.mkDefault) user) staticUsers;
    groups = lib.mapAttrs (_: gid: { gid = lib.mkDefault gid; }) staticGroups;
  };
}
