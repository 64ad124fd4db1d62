/**
 * The images that boot tests start: built by Firn as a user builds them, once for all tests.
 *
 * FIRN_TEST_ISO and FIRN_TEST_NETBOOT name ready ones to be used instead: the ISO file, and the
 * folder that `config.system.build.netboot` makes.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync, copyFileSync, existsSync, mkdirSync, openSync, readSync, readdirSync, realpathSync, rmSync, statSync,
  statfsSync, truncateSync, writeFileSync, writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const folder = join(tmpdir(), `firn-test-boot-${process.getuid?.() ?? 0}`);

let iso: string | undefined;
let netboot: string | undefined;

/** The path of the minimal installer's ISO image. */
export function minimalIso(): string {
  iso ??= process.env['FIRN_TEST_ISO']
    ?? join(build('isoImage', 'cd-dvd/installation-cd-minimal.nix'), 'iso/cd.iso');
  return realpathSync(iso);
}

/** The folder with kernel, initrd and script of the minimal network boot image. */
export function minimalNetboot(): string {
  netboot ??= process.env['FIRN_TEST_NETBOOT']
    ?? build('netboot', 'netboot/netboot-minimal.nix');
  return realpathSync(netboot);
}

/** A copy of an ISO image whose volume label, of at most 16 characters, is another. */
export function withVolumeLabel(image: string, label: string): string {
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, 'relabelled.iso');
  copyFileSync(image, copy);
  const file = openSync(copy, 'r+');
  // ECMA-119, 8.4.8 and 8.5: bytes 41 to 72 of the primary volume descriptor, and of the one that
  // has the same label in UCS-2. The descriptors begin in sector 16.
  const descriptor = Buffer.alloc(2048);
  for (let sector = 16; ; sector += 1) {
    readSync(file, descriptor, 0, 2048, sector * 2048);
    const kind = descriptor[0];
    if (kind === 255) break;
    if (kind !== 1 && kind !== 2) continue;
    const text = kind === 1
      ? Buffer.from(label.padEnd(32), 'latin1')
      : Buffer.from(label.padEnd(16), 'utf16le').swap16();
    writeSync(file, text, 0, 32, sector * 2048 + 40);
  }
  closeSync(file);
  return copy;
}

/**
 * The first boot stage of the minimal installer by itself: kernel and initrd as files, and the path
 * of the program that init= has to name for the installer's ISO image.
 */
export function installerFirstStage(): { kernel: string; initrd: string; init: string } {
  const module = 'cd-dvd/installation-cd-minimal.nix';
  const initrd = join(build('initialRamdisk', module), 'initrd');
  const kernel = join(build('kernel.package', module), 'boot');
  const file = readdirSync(kernel).find((name) => name.startsWith('vmlinuz-'))!;
  const toplevel = basename(realpathSync(build('toplevel', module)));
  return { kernel: join(kernel, file), initrd, init: `/nix/store/${toplevel}/init` };
}

/** A disk image with one FAT file system that holds `file` under `name`. */
export function fatDiskWith(file: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  const disk = join(folder, 'disk.img');
  rmSync(disk, { force: true });
  writeFileSync(disk, '');
  truncateSync(disk, statSync(file).size + (64 << 20));
  for (const [tool, ...more] of [
    ['mkfs.vfat', '-n', 'DATA', disk],
    ['mmd', '-i', disk, '::/images'],
    ['mcopy', '-i', disk, file, `::/images/${name}`],
  ] as const) {
    const { status, stderr } = spawnSync(tool, more, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${tool} failed: ${stderr}`);
  }
  return disk;
}

/** What a build failed with: the tests that need its image fail with the same, at once. */
const failures = new Map<string, Error>();

function build(attribute: string, module: string): string {
  const known = failures.get(`${attribute} ${module}`);
  if (known !== undefined) throw known;
  mkdirSync(folder, { recursive: true });
  const link = join(folder, attribute);
  const modules = join(root, 'distro/nixos/modules/installer');
  const { status, signal, stderr, error } = spawnSync(
    join(root, 'firn'),
    ['nix-build', join(root, 'distro/nixos/default.nix'), '-A', `config.system.build.${attribute}`,
      '-I', `nixos-config=${join(modules, module)}`, '-o', link],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status === 0) return link;
  const failure = new Error(
    `building ${attribute} failed (${error?.message ?? signal ?? `exit status ${status}`}): ` +
      `${reasonIn(stderr)}\n${roomAt(folder)}\n${stderr.slice(-8000)}`,
  );
  failures.set(`${attribute} ${module}`, failure);
  throw failure;
}

/** The error in what a build printed, on one line, without the progress before it. */
function reasonIn(stderr: string): string {
  const start = stderr.lastIndexOf('\nerror: ');
  return start < 0 ? 'it said no error' : stderr.slice(start + 1).replace(/\s*\n\s*/g, ' ').trim();
}

/** A full disk shows in many ways, so every failure says what room there was. */
function roomAt(path: string): string {
  return [path, storeRoot].map((place) => `${freeGigabytes(place)} GB free at ${place}`).join(', ');
}

/** Where the images are built. */
const storeRoot = process.env['FIRN_ROOT'] ?? folder;

function freeGigabytes(place: string): string {
  let existing = place;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = statfsSync(existing);
  return (bavail * bsize / 1e9).toFixed(1);
}

/** Why the images cannot be built here, if there is too little room for packages and images. */
export function missingRoom(): string | undefined {
  const neededGigabytes = 6;
  // What an earlier run has built needs no room any more.
  if (existsSync(join(folder, 'isoImage'))) return undefined;
  const free = [storeRoot, folder].map((place) => ({ place, gigabytes: freeGigabytes(place) }));
  const tight = free.find(({ gigabytes }) => Number(gigabytes) < neededGigabytes);
  return tight === undefined
    ? undefined
    : `the images need ${neededGigabytes} GB, and ${tight.place} has ${tight.gigabytes} GB free`;
}
