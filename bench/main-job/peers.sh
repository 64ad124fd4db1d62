# Read by the scripts beside it: the same medium again by mksquashfs and xorriso.

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }

# make_medium ISO: takes the image apart and makes it again in the current folder, of the same content
# at the same compression; leaves the seconds in $squash and $write, and peer.iso.
make_medium() {
  rm -rf tree store peer.iso peer.squashfs
  xorriso -osirrox on -indev "$1" -extract / tree >/dev/null 2>&1
  chmod -R u+w tree
  unsquashfs -q -n -d store tree/nix-store.squashfs >/dev/null
  sync
  begun=$(now)
  mksquashfs store peer.squashfs -comp zstd -Xcompression-level 6 -b 1048576 -all-root \
    -no-xattrs -no-progress -quiet >/dev/null
  squash=$(since "$begun")
  mv peer.squashfs tree/nix-store.squashfs
  begun=$(now)
  xorriso -as mkisofs -quiet -r -J -joliet-long -iso-level 3 -o peer.iso tree 2>/dev/null
  write=$(since "$begun")
}

# iso_of LINK: the image that the link of a build leads to, by its own name.
iso_of() { ls "$1"/iso/*.iso | grep -v '/cd\.iso$'; }
