#!/bin/sh
# First stage of booting: from the kernel to the store.
#
# Runs as process 1 inside the initial RAM disk, under busybox's ash. It loads drivers, finds the
# file systems the system itself lives on, mounts them below $targetRoot and hands over to the
# second stage, the program named by the kernel parameter init=.
#
# What differs from system to system is read from /etc/stage-1, written beside this script:
#   settings          shell assignments (see stage-1.nix)
#   modules           kernel modules to load in any case, one a line
#   special-mounts    five lines each: device, mount point, options, type, empty
#   file-systems      six lines each: mount point, device, type, options, flags, empty
#   <hook>.sh         the commands of boot.initrd.{preDeviceCommands, …}
#
# Invariants: nothing here changes a disk, but for file-system checks and the growing or formatting
# that the configuration asks for; a medium is trusted only if it says that it carries the very
# system that init= names (or, failing that, if its label is the one of root=); every failure ends
# in a message that says what was looked for, never in a silent hang.

# Every tool here is busybox under another name; the names are made in memory, at the start.
/bin/busybox mkdir -p /proc
/bin/busybox mount -n -t proc -o nosuid,noexec,nodev proc /proc
/bin/busybox --install -s /bin

targetRoot=/mnt-root
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
export LD_LIBRARY_PATH=/lib

distroName=Linux
mediumTimeout=60
deviceTimeout=30
checkJournalingFS=1
verbose=

# ---------------------------------------------------------------- messages and failure

# A line for the person at the console, and for the kernel's log, where the journal finds it.
say() {
    echo "stage-1: $*"
    echo "<6>stage-1: $*" > /dev/kmsg 2>/dev/null
}

detail() {
    if [ -n "$verbose" ]; then say "$@"; else echo "<7>stage-1: $*" > /dev/kmsg 2>/dev/null; fi
}

# A shell on the console, with job control. It returns when the person leaves it.
shell() {
    echo
    echo "A shell of the first boot stage. The system is to be mounted below $targetRoot."
    echo "Messages of the kernel: dmesg. Block devices: cat /proc/partitions. Leave with: exit"
    setsid cttyhack /bin/sh -l < /dev/console > /dev/console 2>&1
}

# Says what went wrong and offers what can be done about it. Returns if the person wants to go on.
fail() {
    echo
    echo "------------------------------------------------------------------------------"
    echo " $distroName cannot go on booting."
    for line in "$@"; do echo " $line"; done
    echo "------------------------------------------------------------------------------"
    echo "<3>stage-1: $1" > /dev/kmsg 2>/dev/null
    hook preFailCommands
    if [ -n "$panicOnFail" ]; then
        echo "Parameter boot.panic_on_fail is given: stopping."
        sleep 1
        exit 1
    fi
    while true; do
        echo
        if [ -n "$shellOnFail" ]; then echo "  s) open a shell"; fi
        echo "  c) continue from here (try again)"
        echo "  r) restart the machine"
        echo "  p) power off"
        if [ -z "$shellOnFail" ]; then
            echo "(A shell is offered if the kernel parameter boot.shell_on_fail is given.)"
        fi
        printf "Your choice: "
        if ! read -r answer < /dev/console; then
            # No keyboard and no serial line: staying here with the message is all there is.
            sleep 3600
        fi
        case $answer in
            s | S | i | f) if [ -n "$shellOnFail" ]; then shell; fi ;;
            c | C) return ;;
            r | R) reboot -f ;;
            p | P) poweroff -f ;;
        esac
    done
}

# Runs the configuration's own commands of that name, if there are any.
hook() {
    if [ -s "/etc/stage-1/$1.sh" ]; then
        detail "running $1"
        . "/etc/stage-1/$1.sh"
    fi
}

# ---------------------------------------------------------------- kernel and parameters

mountSpecial() {
    while read -r device; do
        read -r mountPoint; read -r options; read -r type; read -r _
        mkdir -p "$mountPoint"
        if [ "$mountPoint" = /proc ]; then continue; fi
        mount -n -t "$type" -o "$options" "$device" "$mountPoint" ||
            echo "stage-1: cannot mount $type on $mountPoint"
    done < /etc/stage-1/special-mounts
}

readParameters() {
    for o in $(cat /proc/cmdline); do
        case $o in
            init=*) init=${o#init=} ;;
            root=*) rootSpec=${o#root=} ;;
            console=*) console=${o#console=} ;;
            boot.trace | debugtrace) trace=1 ;;
            boot.shell_on_fail) shellOnFail=1 ;;
            boot.panic_on_fail | stage1panic=1) panicOnFail=1 ;;
            boot.debug1 | debug1) stopFirst=1 ;;
            boot.debug1devices) stopDevices=1 ;;
            boot.debug1mounts) stopMounts=1 ;;
            boot.verbose | debug) verbose=1 ;;
            copytoram | copytoram=1 | toram) copyToRam=1 ;;
            findiso=* | iso-scan/filename=*) isoFile=/${o#*=} ;;
            boot.medium_timeout=*) mediumTimeout=${o#*=} ;;
        esac
    done
    # The parameter may be written with or without its first slash.
    while [ "${isoFile#//}" != "$isoFile" ]; do isoFile=${isoFile#/}; done
    # Both /nix/store/<name> and a profile link lead to the system; only the former is an identity.
    system=${init%/init}
}

# Loads the drivers of all hardware in sight. Loading one (a USB or SATA host) reveals more
# hardware, so this goes on until nothing new appears.
loadDrivers() {
    rounds=0
    touch /run/stage-1/aliases
    while [ $rounds -lt 5 ]; do
        rounds=$((rounds + 1))
        find /sys/devices -name modalias -exec cat {} + 2>/dev/null |
            sort -u > /run/stage-1/aliases.now
        # Each alias is tried once: what has no driver here will not get one by asking again.
        awk 'FILENAME == ARGV[1] { seen[$0] = 1; next } !($0 in seen)' \
            /run/stage-1/aliases /run/stage-1/aliases.now > /run/stage-1/aliases.new
        if ! [ -s /run/stage-1/aliases.new ]; then break; fi
        cat /run/stage-1/aliases.new >> /run/stage-1/aliases
        tr '\n' '\0' < /run/stage-1/aliases.new | xargs -0 modprobe -q -b -a 2>/dev/null
    done
}

loadModules() {
    if ! [ -d "/lib/modules/$(uname -r)" ]; then
        # A kernel beside its own initrd is the rule; without its modules only what is built in works.
        say "no modules for the running kernel $(uname -r) (there are: $(ls /lib/modules))"
        return
    fi
    while read -r module; do
        if [ -n "$module" ] && ! modprobe "$module"; then
            say "cannot load the kernel module $module"
        fi
    done < /etc/stage-1/modules
    loadDrivers
}

# ---------------------------------------------------------------- finding devices

# Prints every block device worth reading, those with a file system of their own first.
blockDevices() {
    for entry in /sys/class/block/*; do
        name=${entry##*/}
        case $name in
            ram* | loop* | zram* | fd*) continue ;;
        esac
        if [ "$(cat "$entry/size" 2>/dev/null || echo 0)" = 0 ]; then continue; fi
        if [ -b "/dev/$name" ]; then echo "/dev/$name"; fi
    done
}

# Prints the volume label if the device or file given holds an ISO 9660 file system, else fails.
isoLabel() {
    dd if="$1" bs=2048 skip=16 count=1 2>/dev/null | head -c 72 > /run/stage-1/volume
    if [ "$(head -c 6 /run/stage-1/volume | tail -c 5)" != CD001 ]; then return 1; fi
    tail -c 32 /run/stage-1/volume | sed 's/ *$//'
}

# Whether the file system mounted at $1 says that it carries the system of init=.
carriesSystem() {
    [ -f "$1/.firn/id" ] && grep -qxF "$system" "$1/.firn/id"
}

# The label that root= asks for, if it asks by label.
wantedLabel() {
    case $rootSpec in
        LABEL=*) echo "${rootSpec#LABEL=}" ;;
        /dev/disk/by-label/*) echo "${rootSpec#/dev/disk/by-label/}" ;;
    esac
}

# Tries one mounted candidate for the medium; sets medium and mediumType if it is the one.
acceptMedium() {
    if carriesSystem "$2"; then
        say "found the medium of $distroName: $1 ($4)"
    elif [ -n "$3" ] && [ "$3" = "$(wantedLabel)" ] && [ -f "$2/nix-store.squashfs" ] &&
            ! [ -f "$2/.firn/id" ]; then
        # A stick whose files were copied without the hidden folder.
        say "found a medium with the label $3: $1 ($4)"
    else
        return 1
    fi
    medium=$1
    mediumType=$4
}

# One look at every device: $1 says whether only at CD file systems ("iso") or at others ("other").
lookForMedium() {
    for device in $(blockDevices); do
        if label=$(isoLabel "$device"); then
            if [ "$1" != iso ]; then continue; fi
            type=iso9660
            mount -n -t iso9660 -o ro "$device" /probe 2>/dev/null || continue
        else
            if [ "$1" = iso ]; then continue; fi
            label=$(deviceLabel "$device")
            type=$(mountAny "$device" /probe) || continue
        fi
        if [ -n "$isoFile" ]; then
            if lookIntoIsoFile "$device" "$type"; then return 0; fi
        elif acceptMedium "$device" /probe "$label" "$type"; then
            umount /probe
            return 0
        fi
        umount /probe
    done
    return 1
}

# The file named by findiso= may lie on the device mounted at /probe: if so keep that mounted.
lookIntoIsoFile() {
    if ! [ -f "/probe$isoFile" ]; then return 1; fi
    mkdir -p /findiso
    mount -n --move /probe /findiso
    mkdir -p /probe
    if isoLabel "/findiso$isoFile" > /run/stage-1/label &&
            mount -n -t iso9660 -o ro,loop "/findiso$isoFile" /probe; then
        if acceptMedium "/findiso$isoFile" /probe "$(cat /run/stage-1/label)" iso9660; then
            umount /probe
            isoDevice=$1
            isoDeviceType=$2
            return 0
        fi
        umount /probe
        say "$isoFile on $1 is another image than the one that was started"
    fi
    mount -n --move /findiso /probe
    return 1
}

deviceLabel() {
    # findfs looks from label to device only; the answer wanted is whether it is the one of root=.
    wanted=$(wantedLabel)
    if [ -n "$wanted" ] && [ "$(findfs "LABEL=$wanted" 2>/dev/null)" = "$1" ]; then echo "$wanted"; fi
}

# Mounts a device read-only with whatever file system fits, and prints its type.
mountAny() {
    for type in vfat exfat ext4 ntfs3 btrfs xfs; do
        if mount -n -t "$type" -o ro "$1" "$2" 2>/dev/null; then
            echo "$type"
            return 0
        fi
    done
    return 1
}

findMedium() {
    mkdir -p /probe
    while true; do
        waited=0
        while [ "$waited" -lt "$mediumTimeout" ]; do
            loadDrivers
            if [ -z "$isoFile" ] && lookForMedium iso; then return; fi
            # Sticks with copied files, and image files, are looked for as soon as nothing better
            # can be expected to turn up at once.
            if [ -n "$isoFile" ] || [ "$waited" -ge 4 ]; then
                if lookForMedium other; then return; fi
            fi
            if [ -n "$isoFile" ] && lookForMedium iso; then return; fi
            if [ "$waited" = 4 ]; then say "waiting for the medium to appear"; fi
            sleep 1
            waited=$((waited + 1))
        done
        if [ -n "$isoFile" ]; then
            fail "The image file $isoFile (parameter findiso= or iso-scan/filename=) with the system" \
                "  $system" \
                "was not found on any of these devices:" $(blockDevices) \
                "Its path counts from the top of its file system."
        else
            fail "The medium (CD, DVD or USB disk) that this system was started from was not found." \
                "Looked for $mediumTimeout seconds for a file system that carries" "  $system" \
                "or has the label '$(wantedLabel)', on these devices:" $(blockDevices) \
                "If it is in another port, or a driver is missing, plug it in elsewhere and continue."
        fi
    done
}

# Turns LABEL=…, UUID=…, PARTUUID=…, PARTLABEL=… and /dev/disk/by-…/… into a device that exists,
# printing it; fails if there is none (yet).
resolveDevice() {
    case $1 in
        /dev/disk/by-label/*) findfs "LABEL=$(unescape "${1#/dev/disk/by-label/}")" 2>/dev/null ;;
        /dev/disk/by-uuid/*) findfs "UUID=${1#/dev/disk/by-uuid/}" 2>/dev/null ;;
        /dev/disk/by-partuuid/*) byPartitionUuid "${1#/dev/disk/by-partuuid/}" ;;
        /dev/disk/by-partlabel/*) byPartitionName "$(unescape "${1#/dev/disk/by-partlabel/}")" ;;
        LABEL=* | UUID=*) findfs "$1" 2>/dev/null ;;
        PARTUUID=*) byPartitionUuid "${1#PARTUUID=}" ;;
        PARTLABEL=*) byPartitionName "${1#PARTLABEL=}" ;;
        /dev/*) [ -b "$1" ] && echo "$1" ;;
        *) return 1 ;;
    esac
}

# udev writes unusual characters of labels as \x2f.
unescape() { printf '%b' "$1"; }

byPartitionName() {
    for entry in /sys/class/block/*/uevent; do
        if grep -qix "PARTNAME=$1" "$entry"; then
            name=${entry%/uevent}
            echo "/dev/${name##*/}"
            return 0
        fi
    done
    return 1
}

byPartitionUuid() {
    for entry in /sys/class/block/*/partition; do
        name=${entry%/partition}
        name=${name##*/}
        if [ "$(partitionUuid "$name" | tr A-F a-f)" = "$(echo "$1" | tr A-F a-f)" ]; then
            echo "/dev/$name"
            return 0
        fi
    done
    return 1
}

# Prints the identity of a partition as udev names it, which the kernel tells nobody: that of its
# entry in a GPT, or else the signature of the MBR with the partition's number.
partitionUuid() {
    number=$(cat "/sys/class/block/$1/partition" 2>/dev/null) || return 1
    disk=$(readlink -f "/sys/class/block/$1/..")
    disk=${disk##*/}
    sector=$(cat "/sys/class/block/$disk/queue/logical_block_size")
    if [ "$(hexBytes "$disk" "$sector" 8)" != 4546492050415254 ]; then
        printf '%08x-%02x\n' "$(littleEndian "$disk" 440)" "$number"
        return
    fi
    table=$(($(littleEndian "$disk" $((sector + 72))) * sector))
    size=$(littleEndian "$disk" $((sector + 84)))
    # The first three of a GUID's five parts are numbers, lowest byte first.
    hexBytes "$disk" $((table + (number - 1) * size + 16)) 16 |
        sed 's/^\(..\)\(..\)\(..\)\(..\)/\4\3\2\1-/
            s/-\(..\)\(..\)\(..\)\(..\)\(....\)/-\2\1-\4\3-\5-/'
}

# Bytes of a device, by offset and count, as hexadecimal digits.
hexBytes() { dd if="/dev/$1" bs=1 skip="$2" count="$3" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; }

# The number in four bytes of a device, lowest byte first.
littleEndian() {
    echo $((0x$(hexBytes "$1" "$2" 4 | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/')))
}

# Waits for a device of the configuration; prints the device found.
waitForDevice() {
    begun=$(uptimeSeconds)
    told=
    while ! resolveDevice "$1"; do
        waited=$(($(uptimeSeconds) - begun))
        if [ "$waited" -ge "$deviceTimeout" ]; then return 1; fi
        if [ -z "$told" ] && [ "$waited" -ge 3 ]; then
            say "waiting for $1" > /dev/console
            told=1
        fi
        sleep 1
        loadDrivers
        activateVolumes > /dev/null 2>&1
    done
}

uptimeSeconds() { cut -d . -f 1 /proc/uptime; }

# Redefined by a hook where the system has volume groups.
activateVolumes() { :; }

# Wakes a hibernated system, if one of the devices holds it. Does not return in that case.
resume() {
    if ! [ -e /sys/power/resume ]; then return; fi
    for wanted in $resumeDevices; do
        device=$(waitForDevice "$wanted") || continue
        # The kernel marks a swap area that holds a sleeping system at the end of its first page.
        if [ "$(dd if="$device" bs=1 skip=4086 count=9 2>/dev/null)" = S1SUSPEND ]; then
            say "waking the system that sleeps on $device"
            cat "/sys/class/block/${device##*/}/dev" > /sys/power/resume
        fi
    done
}

# ---------------------------------------------------------------- mounting

# Formats a device on which nothing is recognised. Whether its bytes are zeros says nothing: on a
# fresh encrypted device they are not.
formatIfEmpty() {
    blkid -p "$1" > /dev/null
    # 0: something was found; 8: several things; 2: nothing.
    if [ $? != 2 ]; then return 0; fi
    say "formatting $1 as $2"
    # By its path: busybox has a lesser one of that name.
    /bin/mke2fs -q -t "$2" "$1"
}

checkFileSystem() {
    case $2 in
        ext2 | ext3 | ext4) ;;
        *) return 0 ;;
    esac
    if [ -z "$checkJournalingFS" ] && [ "$2" != ext2 ]; then return 0; fi
    if ! [ -x /bin/e2fsck ]; then return 0; fi
    say "checking $1"
    e2fsck -p "$1"
    result=$?
    # 1: corrected; 2: corrected, and the machine should be restarted; 4 and more: left uncorrected.
    if [ $((result & 2)) != 0 ]; then
        say "the file system on $1 was repaired: restarting"
        sleep 3
        reboot -f
    elif [ $result -ge 4 ]; then
        fail "The file system on $1 has errors that need a decision." \
            "Open a shell, run: e2fsck $1   and then continue."
    fi
}

# Mounts the medium at the place given. With copytoram, its files move into memory first.
mountMedium() {
    if [ -z "$medium" ]; then findMedium; fi
    loop=
    if [ -f "$medium" ]; then loop=,loop; fi
    if [ -z "$copyToRam" ]; then
        mount -n -t "$mediumType" -o "ro$loop" "$medium" "$targetRoot$1" || return 1
        if [ -n "$isoDevice" ]; then
            mkdir -p "$targetRoot/findiso"
            mount -n --move /findiso "$targetRoot/findiso"
            runtimeMountUnit /findiso "$isoDevice" "$isoDeviceType"
        fi
        runtimeMountUnit "$1" "$medium" "$mediumType"
        return 0
    fi
    mount -n -t "$mediumType" -o "ro$loop" "$medium" /probe || return 1
    size=$(du -sk /probe | awk '{ print $1 }')
    free=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
    if [ "$((size + 131072))" -gt "$free" ]; then
        umount /probe
        fail "There is not enough memory to copy the medium into it (parameter copytoram)." \
            "Its files take $((size / 1024)) MiB; $((free / 1024)) MiB are free." \
            "Continuing starts the system from the medium itself."
        copyToRam=
        mountMedium "$1"
        return
    fi
    say "copying $((size / 1024)) MiB into memory"
    mount -n -t tmpfs -o "size=$((size + 16384))k,mode=755" tmpfs "$targetRoot$1" || return 1
    cp -a /probe/. "$targetRoot$1/" || return 1
    umount /probe
    if [ -n "$isoDevice" ]; then umount /findiso; fi
    runtimeMountUnit "$1" tmpfs tmpfs
    say "the medium may be removed now"
}

# What the first boot stage mounts is in use to the very end: systemd must not try to take it away
# when the machine is shut down. For mounts of fstab it is told so by an addition to their unit.
keepToTheEnd() {
    mkdir -p "/run/systemd/system/$(mountUnit "$1").d"
    cat > "/run/systemd/system/$(mountUnit "$1").d/first-stage.conf" <<UNIT
[Unit]
DefaultDependencies=no
UNIT
}

# The same for a mount of no line of fstab: this is its whole unit.
runtimeMountUnit() {
    mkdir -p /run/systemd/system
    cat > "/run/systemd/system/$(mountUnit "$1")" <<UNIT
[Unit]
Description=$1 as mounted by the first boot stage
DefaultDependencies=no

[Mount]
What=$2
Where=$1
Type=$3
UNIT
}

mountUnit() {
    echo "$(echo "${1#/}" | sed 's/-/\\x2d/g; s,/,-,g').mount"
}

makeOverlayFolders() {
    for option in $(echo "$1" | tr , ' '); do
        case $option in
            upperdir=* | workdir=*) mkdir -p "${option#*=}" ;;
            lowerdir=*) for lower in $(echo "${option#*=}" | tr : ' '); do mkdir -p "$lower"; done ;;
        esac
    done
}

mountOne() {
    mountPoint=$1 device=$2 type=$3 options=$4 flags=$5
    mkdir -p "$targetRoot$mountPoint"
    case $device in
        /dev/root)
            if [ "$type" = iso9660 ]; then mountMedium "$mountPoint"; return; fi
            device=$(waitForDevice "${rootSpec:-/dev/root}") || {
                say "the device of the parameter root=$rootSpec did not appear"; return 1; }
            ;;
        /dev/* | LABEL=* | UUID=* | PARTUUID=* | PARTLABEL=*)
            wanted=$device
            device=$(waitForDevice "$wanted") || {
                say "the device $wanted did not appear within $deviceTimeout seconds"; return 1; }
            ;;
        ../*) device=/${device#../} ;;
        //*) ;;
        /*) device=$targetRoot$device ;;
    esac
    case " $flags " in *" format "*) formatIfEmpty "$device" "$type" || return 1 ;; esac
    case " $flags " in *" check "*) checkFileSystem "$device" "$type" ;; esac
    if [ "$type" = overlay ]; then makeOverlayFolders "$options"; fi
    detail "mounting $device on $mountPoint ($type)"
    if [ "$type" = auto ]; then
        mount -n -o "$options" "$device" "$targetRoot$mountPoint" || return 1
    else
        mount -n -t "$type" -o "$options" "$device" "$targetRoot$mountPoint" || return 1
    fi
    case " $flags " in
        *" resize "*) if [ -x /bin/resize2fs ]; then resize2fs "$device"; fi ;;
    esac
}

isMounted() { awk -v place="$1" '$2 == place { found = 1 } END { exit !found }' /proc/mounts; }

mountFileSystems() {
    exec 3< /etc/stage-1/file-systems
    while read -r fsMountPoint <&3; do
        read -r fsDevice <&3; read -r fsType <&3; read -r fsOptions <&3; read -r fsFlags <&3
        read -r _ <&3
        until mountOne "$fsMountPoint" "$fsDevice" "$fsType" "$fsOptions" "$fsFlags" ||
                isMounted "$targetRoot$fsMountPoint"; do
            fail "The file system for $fsMountPoint cannot be mounted." \
                "Device: $fsDevice   type: $fsType   options: $fsOptions" \
                "The reason is in the lines above, or in the kernel's messages (dmesg)."
        done
        case $fsMountPoint in
            / | /iso) ;;
            *) keepToTheEnd "$fsMountPoint" ;;
        esac
    done
    exec 3<&-
}

# Programs, libraries and the rest of the merged tree are at /usr of the system that is started.
mountUsr() {
    usr=$(readlink -f "$system/sw/usr")
    if ! [ -d "$usr" ]; then return; fi
    mkdir -p "$targetRoot/usr"
    mount -n --bind "$usr" "$targetRoot/usr" &&
        mount -n -o remount,bind,ro,nosuid,nodev "$targetRoot/usr"
    for link in bin sbin lib lib64; do
        if ! [ -e "$targetRoot/$link" ] && ! [ -L "$targetRoot/$link" ]; then
            ln -s "usr/$link" "$targetRoot/$link"
        fi
    done
}

# Leaves in memory what takes these file systems away when the machine goes down.
prepareShutdown() {
    place=/run/initramfs
    mkdir -p $place/bin $place/oldroot $place/proc $place/sys $place/dev $place/run
    cp /bin/busybox $place/bin/busybox
    for tool in sh awk chroot grep umount mount sync reboot poweroff halt; do
        ln -sf busybox $place/bin/$tool
    done
    cp /etc/stage-1/shutdown $place/shutdown
    chmod 755 $place/shutdown
}

# ---------------------------------------------------------------- the way through

mountSpecial
mkdir -p /run/stage-1 $targetRoot /tmp
ln -sfn /proc/self/mounts /etc/mtab
. /etc/stage-1/settings
readParameters
if [ -n "$trace" ]; then set -x; fi
if [ -n "$greeting" ]; then echo; echo "$greeting"; echo; fi
say "starting $system"
if [ -n "$stopFirst" ]; then shell; fi

loadModules
hook preDeviceCommands
if [ -n "$stopDevices" ]; then shell; fi
hook preLVMCommands
hook openDevicesCommands
hook postDeviceCommands
resume
hook postResumeCommands

# Links from one store path to another are absolute: seen from here they shall lead somewhere.
ln -sfn $targetRoot/nix /nix
mountFileSystems
hook postMountCommands

while ! [ -x "$init" ] && ! [ -x "$targetRoot$init" ] && ! [ -L "$targetRoot$init" ]; do
    fail "The system to be started is not there: $init (parameter init=)" \
        "The file systems of the first boot stage are mounted below $targetRoot;" \
        "what is there in the store: $(ls $targetRoot/nix/store 2>/dev/null | wc -l) paths."
done
mountUsr
prepareShutdown
if [ -n "$stopMounts" ]; then shell; fi

hook finishDevicesCommands
set +x
rm -rf /run/stage-1
for special in proc sys dev run; do
    mkdir -p "$targetRoot/$special"
    mount -n --move "/$special" "$targetRoot/$special"
done
exec env -i ${trace:+boot_trace=1} switch_root "$targetRoot" "$init"
