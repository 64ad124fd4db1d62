#!/bin/sh
# The main job beside the usual tools: `firn build` of the minimal installer with its packages
# downloaded but nothing else there, against the usual tools for the same work: dpkg-deb unpacks
# the same packages, as many at once as there are cores; depmod and systemd-hwdb make the kernel's
# module index and the hardware database, side by side; mksquashfs and xorriso make the image of the
# same content at the same compression. Prints seconds of each and the ratio. The evaluation, the
# merged trees and the initrd have no peer here.
#
#   sh bench/main-job/compare.sh FOLDER
#
# Nothing is taken from caches of earlier builds but what was downloaded: compressed blocks, compiled
# code and kept results begin empty. FOLDER keeps the stores between runs (4 GB). Needs dpkg, kmod,
# udev, squashfs-tools, xorriso and a mirror.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
firn=${here%/bench/main-job}/firn
. "$here/peers.sh"
folder=${1:?usage: compare.sh FOLDER}
mkdir -p "$folder"
cd "$folder"
folder=$(pwd -P)

XDG_CACHE_HOME=$folder/cache
export XDG_CACHE_HOME

# Everything once, for the downloads and the content.
"$firn" build --store "$folder/full" -o full-result >/dev/null 2>full.log
iso=$(iso_of "$folder/full-result")

# A store that has the package files and nothing made of them.
rm -rf fresh
find cache/firn -mindepth 1 -maxdepth 1 ! -name channels -exec rm -rf {} +
debs=$(ls full/nix/store | grep '\.deb$' | sed 's,^,/nix/store/,')
# shellcheck disable=SC2086
"$firn" nix-store --store "$folder/full" --export $debs >debs.export
"$firn" nix-store --store "$folder/fresh" --import <debs.export >/dev/null
rm debs.export

sync
start=$(now)
"$firn" build --store "$folder/fresh" -o fresh-result >fresh.out 2>fresh.log
ours=$(since "$start")
cmp "$iso" "$(iso_of "$folder/fresh-result")"

# The same packages, then the same content, for the peers.
rm -rf unpacked
mkdir unpacked
sync
start=$(now)
ls full/nix/store/*.deb | xargs -P "$(nproc)" -I PACKAGE \
  sh -c 'dpkg-deb -x "$1" "unpacked/${1##*/}"' sh PACKAGE
unpack=$(since "$start")
kernel=$(find unpacked -type d -path '*/lib/modules/*' -prune | head -n 1)
hardware=$(find unpacked -type d -name hwdb.d -path '*/usr/lib/udev/*' | head -n 1)
hardware=$folder/${hardware%/usr/lib/udev/hwdb.d}
ln -s usr/lib "$hardware/lib" # where older systemd-hwdb look
start=$(now)
/usr/sbin/depmod -b "${kernel%/lib/modules/*}" "${kernel##*/}" &
systemd-hwdb update --root "$hardware" &
wait
indexed=$(since "$start")
rm -rf unpacked
make_medium "$iso"

awk -v ours="$ours" -v unpack="$unpack" -v indexed="$indexed" -v squash="$squash" -v write="$write" \
  -v our_size="$(stat -c %s "$iso")" -v peer_size="$(stat -c %s peer.iso)" 'BEGIN {
  printf "firn build      %6.1f s\n", ours
  printf "dpkg-deb -x     %6.1f s\n", unpack
  printf "depmod, hwdb    %6.1f s\n", indexed
  printf "mksquashfs      %6.1f s\nxorriso         %6.1f s\n", squash, write
  printf "to all of them  %6.2f (size %.3f)\n", ours / (unpack + indexed + squash + write), our_size / peer_size
  printf "to the last two %6.2f\n", ours / (squash + write)
}'
grep -E 'evaluated|unpacked|built|compressed|done' fresh.log || :
rm -rf tree store peer.iso fresh
