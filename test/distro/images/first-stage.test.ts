/**
 * The first boot stage: its scripts are valid, and what they find out about devices without udev is
 * right. The functions run under busybox as they will, on a folder in place of /sys and /dev.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdirSync, readFileSync, readdirSync, symlinkSync, truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../../support/foreign.ts';
import { folderWith, root } from '../../support/firn.ts';

const scripts = join(root, 'distro/nixos/modules/system/boot');
const stage1 = readFileSync(join(scripts, 'stage-1-init.sh'), 'utf8');

const busybox = (...args: string[]) => spawnSync('busybox', args, { encoding: 'utf8' });

test('its scripts are valid', needs('busybox'), () => {
  for (const name of readdirSync(scripts).filter((name) => /^(stage-1|initrd).*\.sh$/.test(name))) {
    const { status, stderr } = busybox('sh', '-n', join(scripts, name));
    assert.deepEqual({ name, status, stderr }, { name, status: 0, stderr: '' });
  }
});

test('it calls nothing that busybox or itself does not have', needs('busybox'), () => {
  const texts = readdirSync(scripts)
    .filter((name) => /^(stage-1|initrd).*\.sh$/.test(name))
    .map((name) => readFileSync(join(scripts, name), 'utf8').replace(/<<(\w+)\n[^]*?\n\1\n/g, '\n'))
    .join('\n');
  const applets = busybox('--list').stdout.split('\n');
  const functions = [...texts.matchAll(/^(\w+)\(\) \{/gm)].map((match) => match[1]!);
  const known = new Set([...applets, ...functions, 'blkid', 'cryptsetup', 'e2fsck', 'resize2fs',
    ...'. break cd continue exec exit export read return set umask'.split(' '),
    ...'case do done elif else esac fi for if then until while'.split(' ')]);
  // The first word of a line, behind words that only steer; no continued line, no pattern of case.
  const called = [...texts.matchAll(
    /(?<!\\\n)^[ \t]*(?:(?:if|until|while|!|else) )*([a-z.]\w*)(?=[ ;\n])(?! \|[^\n]*\))/gm,
  )].map((match) => match[1]!);
  assert.ok(called.length > 100);
  assert.deepEqual([...new Set(called)].filter((name) => !known.has(name)), []);
});

/** What the function call prints, with a disk `sda` whose partitions have the names and numbers. */
function ask(image: string, partitions: Record<string, number>, call: string): string {
  const folder = folderWith({});
  const disk = join(folder, 'sys/devices/sda');
  mkdirSync(join(disk, 'queue'), { recursive: true });
  mkdirSync(join(folder, 'sys/class/block'), { recursive: true });
  mkdirSync(join(folder, 'dev'));
  writeFileSync(join(disk, 'queue/logical_block_size'), '512\n');
  symlinkSync(disk, join(folder, 'sys/class/block/sda'));
  symlinkSync(image, join(folder, 'dev/sda'));
  for (const [name, number] of Object.entries(partitions)) {
    mkdirSync(join(disk, name));
    writeFileSync(join(disk, name, 'partition'), `${number}\n`);
    writeFileSync(join(disk, name, 'uevent'), `PARTN=${number}\nPARTNAME=part ${number}\n`);
    symlinkSync(join(disk, name), join(folder, 'sys/class/block', name));
  }
  const functions = stage1
    .slice(stage1.indexOf('resolveDevice() {'), stage1.indexOf('# Waits for a device'))
    .replaceAll('/sys/class/block', `${folder}/sys/class/block`)
    .replaceAll('"/dev/$1"', `"${folder}/dev/$1"`);
  const { stdout, stderr } = busybox('sh', '-c', `${functions}\n${call}`);
  assert.equal(stderr, '');
  return stdout.trim();
}

const withGpt = needs('busybox', 'sgdisk');
test('partitions of a GPT are found by the identity and name that udev gives them', withGpt, () => {
  const image = join(folderWith({}), 'disk');
  writeFileSync(image, '');
  truncateSync(image, 8 << 20);
  const guid = '0FC63DAF-1234-4ABC-8DEF-0123456789AB';
  const made = spawnSync('sgdisk', ['-n', '1:0:+1M', '-n', '5:0:+1M', '-u', `5:${guid}`, image]);
  assert.equal(made.status, 0);
  const parts = { sda1: 1, sda5: 5 };
  const cases = {
    [`PARTUUID=${guid}`]: '/dev/sda5',
    [`/dev/disk/by-partuuid/${guid.toLowerCase()}`]: '/dev/sda5',
    [`PARTUUID=${guid.replace('1234', '0000')}`]: 'none',
    '/dev/disk/by-partlabel/part\\x201': '/dev/sda1',
  };
  for (const [name, device] of Object.entries(cases)) {
    assert.equal(ask(image, parts, `resolveDevice '${name}' || echo none`), device, name);
  }
});

test('partitions of an MBR are found by its signature and their number', needs('busybox'), () => {
  const image = join(folderWith({}), 'disk');
  const bytes = Buffer.alloc(4096);
  bytes.writeUInt32LE(0x0a0b0c0d, 440);
  writeFileSync(image, bytes);
  assert.equal(ask(image, { sda2: 2 }, 'resolveDevice PARTUUID=0a0b0c0d-02'), '/dev/sda2');
});
