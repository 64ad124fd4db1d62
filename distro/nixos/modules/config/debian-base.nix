# What the maintainer scripts of Debian's basic packages would do to a fresh system, declared:
# root's start-up files, the directories of base-files, the identity of the machine, the marks that
# say that caches are up to date, the loader's configuration, and which units Debian enables.
#
# A package's own configuration files (etc/… in it) reach /etc through system.build.etc, below
# everything said here.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkDefault;
  baseFiles = "${pkgs.base-files}/usr/share/base-files";
in

{
  options.system.debian.enableDefaultUnits = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = "Whether the units that Debian enables on every system are enabled.";
  };

  config = {
    environment.etc = {
      "host.conf".text = mkDefault "multi on\n";
      "issue.net".text = mkDefault "${config.system.nixos.distroName or "Firn"}\n";
      "ld.so.conf".text = "include /etc/ld.so.conf.d/*.conf\n";
      "ld.so.conf.d/libc.conf".text = "/usr/local/lib\n";
      "ld.so.conf.d/x86_64-linux-gnu.conf".text = "/usr/local/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu\n";
      "dpkg/origins/default".source = "${pkgs.base-files}/etc/dpkg/origins/debian";
      mtab.source = "/proc/mounts";
      # Read by services' PAM files of Debian; the variables stand in pam/environment.
      environment.text = mkDefault "";
      # Debian keeps the default of new accounts here; deluser and others read it.
      "adduser.conf".text = mkDefault "DHOME=${config.users.defaultUserHome}\nDSHELL=/bin/bash\n";
    };

    system.activationScripts.debianBase = {
      deps = [ "etc" "users" ];
      text = ''
        # An empty machine-id is no "first boot": the manager makes a transient one and, where
        # /etc lasts, commits it.
        [ -e /etc/machine-id ] || : >/etc/machine-id
        /usr/bin/mkdir -p /root /mnt /media /opt /srv /var/cache /var/lib /var/log /var/spool /var/opt /var/local
        /usr/bin/chmod 0700 /root
        [ -e /root/.profile ] || /usr/bin/install -m 0644 ${baseFiles}/dot.profile /root/.profile
        [ -e /root/.bashrc ] || /usr/bin/install -m 0644 ${baseFiles}/dot.bashrc /root/.bashrc
        /usr/bin/install -d -m 2775 -o root -g mail /var/mail
        [ -e /var/spool/mail ] || [ -L /var/spool/mail ] || /usr/bin/ln -s ../mail /var/spool/mail
        [ -e /var/run ] || [ -L /var/run ] || /usr/bin/ln -s ../run /var/run
        [ -e /var/lock ] || [ -L /var/lock ] || /usr/bin/ln -s ../run/lock /var/lock
        for record in wtmp:664 btmp:660 lastlog:664; do
          file=/var/log/''${record%%:*}
          [ -e "$file" ] || : >"$file"
          /usr/bin/chown root:utmp "$file"
          /usr/bin/chmod "''${record##*:}" "$file"
        done
        unset record file
        # What packages bring below /var: directories, and links to files.
        if [ -d "$systemConfig/sw/var" ]; then
          (
            cd "$systemConfig/sw/var" || exit
            /usr/bin/find . -mindepth 1 -type d -print | while IFS= read -r name; do
              [ -e "/var/$name" ] || /usr/bin/mkdir -p "/var/$name"
            done
            /usr/bin/find . -mindepth 1 ! -type d -print | while IFS= read -r name; do
              [ -e "/var/$name" ] || [ -L "/var/$name" ] ||
                /usr/bin/ln -s "/run/current-system/sw/var/$name" "/var/$name"
            done
          )
        fi
        # Accounts of packages that declare them for systemd: run without accounts of ours, which
        # all exist by now.
        if [ -x /usr/bin/systemd-sysusers ]; then
          /usr/bin/systemd-sysusers 2>/dev/null || echo "some accounts of packages could not be made" >&2
        fi
        # Libraries outside the loader's own directories need its cache; few systems have any.
        if [ -n "$(/usr/bin/find /etc/ld.so.conf.d/ -name '*.conf' ! -name libc.conf ! -name x86_64-linux-gnu.conf 2>/dev/null)" ]; then
          /usr/sbin/ldconfig -X || :
        fi
        # The store is never newer than these: nothing is to be rebuilt at boot.
        : >/etc/.updated
        : >/var/.updated
      '';
    };

    systemd.tmpfiles.rules = [
      "d /var/cache/ldconfig 0700 root root -"
      "d /etc/ssl/private 0710 root root -"
    ];

    # It would run whenever there is no cache; see ldconfig above.
    systemd.suppressedSystemUnits = [ "ldconfig.service" ];

    # The choice that Debian's packages make by `deb-systemd-helper enable`. Left out on purpose:
    # e2scrub_reap, e2scrub_all.timer, man-db.timer, logrotate.timer, fstrim.timer, apparmor: chores of installed
    # machines, each with an option of its own where it makes sense.
    systemd.targets.multi-user.wants = lib.mkIf config.system.debian.enableDefaultUnits [ "remote-fs.target" ];
  };
}
