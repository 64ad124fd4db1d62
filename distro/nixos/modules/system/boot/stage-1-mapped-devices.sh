# What stood in /dev/mapper as a node becomes a link, as udev makes it: udev leaves a node alone.
# The marks tell its rules that the device was made in full before udev was there.
mkdir -p /run/first-stage-devices
for entry in /sys/class/block/dm-*; do
    if ! [ -e "$entry/dm/name" ]; then continue; fi
    mapped=$(cat "$entry/dm/name")
    ln -sfn "../${entry##*/}" "/dev/mapper/$mapped"
    : > "/run/first-stage-devices/${entry##*/}:$mapped"
done
