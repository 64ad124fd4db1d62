# Opening encrypted devices in the first stage of booting: functions for stage-1-init.sh, of which
# this text becomes a hook. The calls follow it, one for each device (see luksroot.nix).
#
# Nobody can help a machine that has given up: whatever fails is said and asked again, and the menu
# of `fail` is one empty line away. A device that somebody opened in its shell counts as opened.

luksReuse=
luksTyped=

# What cryptsetup is to do with $luksDevice, with the key given by the arguments.
luksUnlock() {
    # shellcheck disable=SC2086
    cryptsetup open --type luks $luksOptions ${luksHeader:+--header "$luksHeader"} \
        "$luksFound" "$luksName" "$@"
}

# Prints the file or device with the key: below /, where the initrd is, or one that appears.
luksWaitForKey() {
    if [ -f "$luksKeyFile" ]; then echo "$luksKeyFile"; return 0; fi
    deviceTimeout=${luksKeyFileTimeout:-$deviceTimeout}
    waitForDevice "$luksKeyFile"
}

luksByKeyFile() {
    if ! luksKey=$(luksWaitForKey); then
        say "the key $luksKeyFile for $luksName did not appear"
        return 1
    fi
    # shellcheck disable=SC2086
    if luksUnlock --key-file "$luksKey" $luksKeyFileOptions; then return 0; fi
    say "the key $luksKeyFile does not open $luksName"
    return 1
}

# Asks until a passphrase fits. An empty line leads to the menu.
luksByPassphrase() {
    if [ -n "$luksReuse" ] && [ -n "$luksTyped" ] &&
            printf '%s' "$luksTyped" | luksUnlock --key-file - 2> /dev/null; then
        return 0
    fi
    while ! [ -e "/dev/mapper/$luksName" ]; do
        printf '\nPassphrase for %s (%s): ' "$luksName" "$luksDevice" > /dev/console
        if ! IFS= read -r -s luksTyped < /dev/console || [ -z "$luksTyped" ]; then
            echo > /dev/console
            fail "No passphrase was given for $luksName ($luksDevice)." \
                "Continuing asks for it again."
            continue
        fi
        echo > /dev/console
        say "opening $luksName"
        if printf '%s' "$luksTyped" | luksUnlock --key-file -; then return 0; fi
    done
}

# Opens $luksDevice as /dev/mapper/$luksName, by the settings of its call.
luksOpen() {
    until [ -e "/dev/mapper/$luksName" ] || luksFound=$(waitForDevice "$luksDevice"); do
        fail "The encrypted device $luksDevice (for $luksName) did not appear" \
            "within $deviceTimeout seconds." \
            "Continuing looks for it again."
    done
    if [ -e "/dev/mapper/$luksName" ]; then return; fi
    if [ -n "$luksTryEmpty" ] && printf '' | luksUnlock --key-file - 2> /dev/null; then
        return
    fi
    if [ -z "$luksKeyFile" ]; then luksByPassphrase; return; fi
    until luksByKeyFile || [ -e "/dev/mapper/$luksName" ]; do
        if [ -n "$luksFallback" ]; then luksByPassphrase; return; fi
        fail "The encrypted device $luksDevice (for $luksName) was not opened:" \
            "its key $luksKeyFile is not there or does not fit." \
            "Continuing tries again."
    done
}
