/**
 * What installation media enforce on the configuration of a host, and what they leave alone.
 *
 * All configurations are evaluated in one go (enforcement.nix); each test looks at its part.
 */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import assert from 'node:assert/strict';

interface Layout {
  readonly fileSystems: Record<string, string>;
  readonly swap: readonly string[];
  readonly luks: readonly string[];
  readonly grub: boolean;
  readonly timeout: number;
  readonly failed: readonly string[];
}

interface Results {
  readonly isoBase: Layout;
  readonly isoBaseForced: Layout;
  readonly installer: Layout;
  readonly installerForced: Layout;
  readonly importing: Layout;
  readonly netboot: Layout;
  readonly netbootForced: Layout;
  readonly names: Record<string, string>;
  readonly oldNames: { readonly fileName: string; readonly warnings: readonly string[] };
  readonly encrypted: { readonly failed: readonly string[]; readonly commands: string };
  readonly longLabel: readonly string[];
  readonly themed: { readonly fileName: string; readonly targets: readonly string[] };
  readonly twoKernels: readonly string[];
}

const root = resolve(import.meta.dirname, '../../..');
let results: Results;

before(() => {
  const { status, stdout, stderr } = spawnSync(
    join(root, 'firn'),
    ['nix-instantiate', '--eval', '--strict', '--json', join(import.meta.dirname, 'enforcement.nix')],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  assert.equal(status, 0, stderr.slice(-6000));
  results = JSON.parse(stdout) as Results;
});

const liveStore = {
  '/nix/.ro-store': 'squashfs /iso/nix-store.squashfs',
  '/nix/.rw-store': 'tmpfs tmpfs',
  '/nix/store': 'overlay overlay',
};
const isoLayout = { '/': 'tmpfs tmpfs', '/iso': 'iso9660 /dev/root', ...liveStore };
const netbootLayout = {
  '/': 'tmpfs tmpfs',
  ...liveStore,
  '/nix/.ro-store': 'squashfs ../nix-store.squashfs',
};
const home = { '/home': 'xfs /dev/disk/by-label/home' };
const hostRoot = 'ext4 /dev/disk/by-uuid/0000-1111';
const swap = ['/dev/disk/by-label/swap'];

test('the ISO base enforces the file systems it needs, and no more', () => {
  const { isoBase } = results;
  assert.deepEqual(isoBase.fileSystems, { ...isoLayout, ...home });
  assert.deepEqual(isoBase.swap, swap);
  assert.deepEqual(isoBase.luks, ['crypt']);
  assert.equal(isoBase.grub, false);
  assert.equal(isoBase.timeout, 3);
  assert.deepEqual(isoBase.failed, []);
});

test('mkForce wins over the ISO base', () => {
  const { isoBaseForced } = results;
  assert.deepEqual(isoBaseForced.fileSystems, { ...isoLayout, '/': hostRoot });
  assert.equal(isoBaseForced.grub, true);
  assert.deepEqual(isoBaseForced.swap, swap);
});

test('the installer base enforces the whole layout', () => {
  const { installer } = results;
  assert.deepEqual(installer.fileSystems, isoLayout);
  assert.deepEqual(installer.swap, []);
  assert.deepEqual(installer.luks, []);
  assert.deepEqual(installer.failed, []);
});

test('mkForce wins over the installer base', () => {
  const { installerForced } = results;
  assert.deepEqual(installerForced.fileSystems, { '/': hostRoot });
  assert.deepEqual(installerForced.swap, swap);
});

test('a host that imports the installer gets what a combined one gets', () => {
  assert.deepEqual(results.importing, results.installer);
});

test('netboot enforces its minimum', () => {
  const { netboot } = results;
  assert.deepEqual(netboot.fileSystems, { ...netbootLayout, ...home });
  assert.deepEqual(netboot.swap, swap);
  assert.deepEqual(netboot.luks, ['crypt']);
  assert.equal(netboot.grub, false);
  assert.deepEqual(netboot.failed, []);
});

test('mkForce wins over netboot', () => {
  const { netbootForced } = results;
  assert.deepEqual(netbootForced.fileSystems, { ...netbootLayout, '/': hostRoot });
  assert.equal(netbootForced.grub, true);
});

test('the image is called after edition, version and machine', () => {
  const { names } = results;
  assert.equal(names['extension'], 'iso');
  assert.equal(names['fileName'], `${names['baseName']}.iso`);
  assert.equal(names['filePath'], `iso/${names['fileName']}`);
  assert.match(names['baseName']!, /^[a-z]+-minimal-.*-x86_64-linux$/);
  assert.match(names['volumeID']!, /^[a-z]+-minimal-[0-9.]+-x86_64$/);
});

test('the old name of an option works, and its new one is told', () => {
  const { oldNames } = results;
  assert.equal(oldNames.fileName, 'mine.iso');
  assert.match(oldNames.warnings.join('\n'), /isoImage\.isoName.*image\.fileName/s);
});

test('what is said of an encrypted device reaches the first boot stage, or is refused', () => {
  const { commands, failed } = results.encrypted;
  for (const line of [
    'luksName=crypt', "luksOptions='--allow-discards '", 'luksKeyFile=/key',
    "luksKeyFileOptions='--keyfile-size 16 '", 'luksOpen',
  ]) {
    assert.ok(commands.split('\n').includes(line), `${line} is missing in\n${commands}`);
  }
  assert.equal(failed.length, 2);
  assert.match(failed.join('\n'), /crypttabExtraOpts: these options are for/);
  assert.match(failed.join('\n'), /does not know names below\s+\/dev\/disk\/by-id/);
});

test('a volume label of more than 32 characters is refused', () => {
  assert.deepEqual(results.longLabel, [
    'isoImage.volumeID a-label-of-more-than-thirty-two-characters is 42 characters. ' +
      'That is 10 characters longer than the limit of 32.',
  ]);
});

test('a theme of GRUB comes with a font; a compressed image is named so', () => {
  const { fileName, targets } = results.themed;
  assert.match(fileName, /\.iso\.zst$/);
  assert.ok(targets.includes('/boot/grub/theme') && targets.includes('/boot/grub/fonts/unicode.pf2'));
});

test('a specialisation has its own kernel and initrd on the image', () => {
  const targets = new Set(results.twoKernels);
  for (const target of [
    '/boot/bzImage', '/boot/initrd', '/boot/latest_kernel/bzImage', '/boot/latest_kernel/initrd',
  ]) {
    assert.ok(targets.has(target), target);
  }
});
