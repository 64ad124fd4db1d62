/** More inputs than bwrap mounts in good time, or takes arguments for. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeTextPath } from '#formats';
import { deleteTree } from '#store';
import { needs } from '../support/foreign.ts';
import { findProgram } from '../../src/build/sandbox/find-program.ts';
import { findMount } from '../../src/build/sandbox/mount-inputs.ts';
import { freshSandbox, needsSandbox, sandboxAt, type SandboxedBuilds } from './builds.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-inputs-'));
chmodSync(scratch, 0o755);
after(() => { deleteTree(scratch); });

/** Builds what reads `count` inputs, and tries to change them. */
async function check(builds: SandboxedBuilds, count: number, options: object, umask = process.umask()): Promise<void> {
  const { store } = builds;
  try {
    const texts = Array.from({ length: count }, (_, at) => ({ path: makeTextPath(`input${at}`, `${at}`, []), text: `${at}`, references: [] }));
    store.addAll([], texts);
    const tree = join(store.root, 'tree');
    mkdirSync(join(tree, 'folder'), { recursive: true });
    writeFileSync(join(tree, 'folder/file'), 'in a folder');
    symlinkSync('/etc/passwd', join(store.root, 'link'));
    const kept = (name: string) => store.addTree(name, join(store.root, name), { method: 'recursive', algorithm: 'sha256' });
    const [folder, link] = [kept('tree'), kept('link')];
    const hidden = store.addTextToStore('hidden', 'hidden', []);
    const made = builds.add('many', {
      sources: [...texts.map(({ path }) => path), folder, link],
      script: `ls /nix/store | wc -l > /build/count; cat /build/count > $out; cat ${texts.at(-1)?.path} ${texts[0]?.path} ${folder}/folder/file >> $out
        echo x > ${texts.at(-1)?.path} && exit 1; echo x > ${texts[0]?.path} && exit 1; chmod 777 ${folder} && exit 1
        rm -rf ${folder} && exit 1; mv ${folder} /nix/store/other && exit 1; [ -L ${link} ] || exit 1
        [ ! -e ${hidden} ] || exit 1; [ ! -e /usr ] || exit 1; cat /etc/passwd > /dev/null || exit 1; [ ! -e "${builds.root}" ] || exit 1; id -u >> $out`,
    });
    const before = process.umask(umask);
    const file = (await builds.build(made, options).finally(() => process.umask(before))).get('out') as string;
    // With the tools.
    assert.deepEqual(readFileSync(file, 'utf8').split('\n'), [String(count + 3), `${count - 1}0in a folder1000`, '']);
    assert.equal(readFileSync(join(store.physicalPath(folder), 'folder/file'), 'utf8'), 'in a folder');
  } finally {
    builds.close();
  }
}

test('a builder reads all inputs, and none of them can be written to', needsSandbox, async () => {
  await check(freshSandbox(), 100, {});
});

test('so under a umask that gives others nothing, and by mount of util-linux if it is there', needsSandbox, async () => {
  await check(freshSandbox(), 100, {}, 0o077);
  if (needs('mount').skip !== false) return;
  const folder = mkdtempSync(join(scratch, 'store-'));
  assert.notEqual(findMount(findProgram('bwrap', process.env['PATH'] ?? '') as string, process.env['PATH'] ?? '', folder, undefined), undefined);
});

test('so where there is no mount of util-linux: bwraps stand around each other', needsSandbox, async () => {
  const only = join(scratch, 'only');
  mkdirSync(only);
  symlinkSync(findProgram('bwrap', process.env['PATH'] ?? '') as string, join(only, 'bwrap'));
  await check(freshSandbox(), 100, { argumentLimit: 130, environment: { PATH: only } });
});

test('so in a folder whose name is no plain word', needsSandbox, async () => {
  const place = join(scratch, 'ein Ordner mit \u00dc#\\');
  mkdirSync(place);
  await check(sandboxAt(place), 60, {});
  mkdirSync(place);
  await check(sandboxAt(place), 3, {});
});

test('a thousand inputs', { skip: needsSandbox.skip || needs('mount').skip }, async () => {
  // bwrap by itself takes seconds of processor time for these.
  await check(freshSandbox(), 1000, {});
});
