#!/bin/bash
# Second stage of booting: from the mounted system to systemd.
#
# Is the file init of every system, started as process 1 by the first stage (or by a container).
# It knows which system it belongs to by where it stands, so it needs no path of its own filled in.
# /usr is mounted already; programs come from there.

systemConfig=$(cd "$(dirname "$0")" && pwd -P)
export systemConfig
export HOME=/root PATH=/usr/bin:/usr/sbin:/run/current-system/sw/bin

for parameter in $(cat /proc/cmdline 2>/dev/null); do
    case $parameter in
        boot.debugtrace | boot.trace) set -x ;;
    esac
done

. @settings@

if [ -n "$greeting" ]; then echo; echo "$greeting"; echo; fi

# A first stage leaves these mounted; without one (a container) they may be missing.
if ! [ -e /proc/1 ]; then
    while read -r device; do
        read -r mountPoint; read -r options; read -r type; read -r _
        mkdir -p "$mountPoint"
        mount -n -t "$type" -o "$options" "$device" "$mountPoint"
    done < @specialMounts@
fi
if [ -z "$container" ]; then mount -n -o remount,rw /; fi

note() {
    echo "stage-2: $*"
    echo "<6>stage-2: $*" > /dev/kmsg 2>/dev/null || true
}

# The store is not to be changed by hand: only programs that manage it open it for themselves, in
# a mount namespace of their own.
protectStore() {
    local current missing=() option
    current=,$(findmnt --direction backward --first-only --noheadings --output OPTIONS \
        --target /nix/store),
    for option in "${storeOptions[@]}"; do
        case $current in *,"$option",*) ;; *) missing+=("$option") ;; esac
    done
    if [ ${#missing[@]} -gt 0 ]; then
        mount -n --bind /nix/store /nix/store
        mount -n -o "remount,bind,$(IFS=, ; echo "${missing[*]}")" /nix/store
    fi
}

note "starting the system $systemConfig"
protectStore
mkdir -p -m 0755 /etc
mkdir -p -m 1777 /tmp

"$systemConfig/activate"
activation=$?
if [ $activation -ne 0 ]; then
    echo "<4>stage-2: activation ended with status $activation" > /dev/kmsg 2>/dev/null
    echo "stage-2: activation ended with status $activation: the system may be incomplete"
fi

ln -sfn "$systemConfig" /run/booted-system

@postBootCommands@

set +x
exec "$systemdExecutable" "$@"
echo "stage-2: cannot start $systemdExecutable"
exec /bin/bash
