import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { encodeCpioTrailer, readCpio } from '#formats';
import type { TreeEntry } from '#images';
import { planArchive, typeOfMode, writeArchive } from '#images';
import { needs } from '../support/foreign.ts';
import { bytesOfImage, checkTree, file, sampleTree, shuffled } from './sample-tree.ts';
import { bytesSource } from '#images';
import { byteString } from '#base';

const make = (entries: readonly TreeEntry[]): Promise<Uint8Array> =>
  bytesOfImage((sink) => writeArchive(planArchive(entries), sink));

/** What a reader unpacks: the last name of a file brings its content. */
function unpack(bytes: Uint8Array): TreeEntry[] {
  const members = readCpio(bytes).entries;
  const contents = new Map(
    members.filter(({ data }) => data.length > 0).map(({ inode, data }) => [inode, data]),
  );
  return members.map((member): TreeEntry => {
    const type = typeOfMode(member.mode)!;
    const data = contents.get(member.inode) ?? member.data;
    return {
      path: member.name,
      type,
      mode: member.mode & 0o7777,
      uid: member.uid,
      gid: member.gid,
      mtime: member.mtime,
      ...(type === 'file' ? { content: bytesSource(data) } : {}),
      ...(type === 'link' ? { target: byteString(data) } : {}),
      ...(type === 'char' || type === 'block' ? { device: member.device! } : {}),
    };
  });
}

test('the archive gives the tree back', async () => {
  const entries = sampleTree(4096).filter(({ path }) => path !== '');
  await checkTree(unpack(await make(entries)), entries);
});

test('order of entries leaves no trace', async () => {
  const entries = sampleTree(4096);
  assert.ok(Buffer.compare(await make(entries), await make(shuffled(entries, 8))) === 0);
});

test('several archives with padding between them are read as one', async () => {
  const [first, second] = [await make([file('a', '1')]), await make([file('b', '2')])];
  const all = new Uint8Array(first.length + 512 + second.length + 4);
  all.set(first);
  all.set(second, first.length + 512);
  all.set([0x28, 0xb5, 0x2f, 0xfd], first.length + 512 + second.length);
  const { entries, end } = readCpio(all);
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.equal(end, all.length - 4, 'what is no archive is left to the caller');
});

test('GNU cpio lists and verifies it', needs('cpio'), async () => {
  const entries = sampleTree(4096).filter(({ path }) => path !== '');
  const { stdout, stderr, status } = spawnSync('cpio', ['-itv', '--quiet'], {
    input: await make(entries),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const listed = stdout.trim().split('\n');
  assert.match(
    listed.find((line) => line.endsWith('dev/console'))!,
    /^crw------- .* 5, +1 /,
  );
  assert.match(
    listed.find((line) => line.includes(' link -> '))!,
    /-> \.\.\/target\/of\/\.\/link$/,
  );
  assert.ok(listed.length >= entries.length);
});

test('an archive ends on a multiple of 512', () => {
  for (const position of [0, 4, 388, 392, 508, 512]) {
    assert.equal((position + encodeCpioTrailer(position).length) % 512, 0);
  }
});

test('damaged archives are refused', async () => {
  const archive = await make([file('a', 'some text')]);
  assert.throws(() => readCpio(archive.subarray(0, 130)), { code: 'CPIO_MALFORMED' });
  const wrong = archive.slice();
  wrong[60] = 0x7a;
  assert.throws(() => readCpio(wrong), { code: 'CPIO_MALFORMED' });
});

test('a date before 1970 does not fit', async () => {
  await assert.rejects(make([file('a', 'x', { mtime: -1 })]), { code: 'CPIO_FIELD_RANGE' });
});
