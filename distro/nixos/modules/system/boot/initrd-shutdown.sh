#!/bin/sh
# Last program of a machine that goes down: takes away the file systems that the first boot stage
# mounted.
#
# systemd cannot do that itself: it runs from the store, which lies on them. When everything else is
# gone it calls this, which the first stage has left in /run/initramfs, with a root of its own in
# memory; the old root is at /oldroot. The first argument says what is to follow.

export PATH=/bin

# Starting another kernel needs a program of the old system; this does not return if it succeeds.
if [ "$1" = kexec ]; then
    sync
    chroot /oldroot /usr/sbin/kexec -e
    echo "shutdown: the other kernel could not be started: restarting the machine"
    set -- reboot
fi

# Mounts below the old root, the last one first. One pass after the other, since a mount that is in
# use becomes free when the one above it is gone.
for pass in 1 2 3 4; do
    awk '$2 ~ "^/oldroot" { line[n++] = $2 } END { while (n > 0) print line[--n] }' /proc/mounts |
        while read -r mountPoint; do
            umount -d "$(printf '%b' "$mountPoint")" 2>/dev/null
        done
    grep -q ' /oldroot' /proc/mounts || break
done
if grep -q ' /oldroot' /proc/mounts; then
    echo "shutdown: still in use, made read-only: $(awk '$2 ~ "^/oldroot" { print $2 }' /proc/mounts)"
    awk '$2 ~ "^/oldroot" { print $2 }' /proc/mounts | while read -r mountPoint; do
        mount -n -o remount,ro "$mountPoint" 2>/dev/null
    done
fi
sync

case $1 in
    reboot) exec reboot -f ;;
    halt) exec halt -f ;;
    *) exec poweroff -f ;;
esac
