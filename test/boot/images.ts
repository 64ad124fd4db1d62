/**
 * The images that boot tests start: built by Firn as a user builds them, once for all tests.
 *
 * FIRN_TEST_ISO and FIRN_TEST_NETBOOT name ready ones to be used instead: the ISO file, and the
 * folder that `config.system.build.netboot` makes.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, openSync, closeSync, realpathSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

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

/** A copy of an ISO image whose volume label is another. */
export function withVolumeLabel(image: string, label: string): string {
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, 'relabelled.iso');
  copyFileSync(image, copy);
  const file = openSync(copy, 'r+');
  // ECMA-119, 8.4.8: bytes 41 to 72 of the primary volume descriptor in sector 16.
  writeSync(file, Buffer.from(label.padEnd(32), 'latin1'), 0, 32, 16 * 2048 + 40);
  closeSync(file);
  return copy;
}

function build(attribute: string, module: string): string {
  mkdirSync(folder, { recursive: true });
  const link = join(folder, attribute);
  const modules = join(root, 'distro/nixos/modules/installer');
  const { status, stderr } = spawnSync(
    join(root, 'firn'),
    ['nix-build', join(root, 'distro/nixos/default.nix'), '-A', `config.system.build.${attribute}`,
      '-I', `nixos-config=${join(modules, module)}`, '-o', link],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status !== 0) throw new Error(`building ${attribute} failed:\n${stderr.slice(-8000)}`);
  return link;
}
