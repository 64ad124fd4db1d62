import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compileHwdb } from '#images';
import { hwdbBuilder } from '../../src/build/builtin/hwdb.ts';
import { needs } from '../support/foreign.ts';
import { fakeJob } from './fake-job.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-hwdb-'));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const texts: Record<string, string> = {
  '10-first.hwdb': [
    '# a comment',
    'usb:v1D6B*',
    ' ID_VENDOR_FROM_DATABASE=Linux Foundation',
    '',
    'usb:v1D6Bp0001*',
    'usb:v1D6Bp0002*   # a comment behind',
    '  ID_MODEL_FROM_DATABASE=root hub  ',
    ' OTHER=',
    '',
    'evdev:input:b0003v*',
    ' KEYBOARD_KEY_70039=esc',
    '',
  ].join('\n'),
  '20-second.hwdb': [
    'usb:v1D6B*',
    ' ID_VENDOR_FROM_DATABASE=Overridden',
    ' ID_NEW=Foundation',
    '',
    'usb:v1D6',
    ' A=B',
    '',
  ].join('\n'),
  '30-faulty.hwdb': [
    ' STRAY=1',
    '',
    'no:properties',
    '',
    'some:match',
    ' no equals sign',
    ' =empty',
    ' GOOD=1',
    'late:match',
    '',
    '',
  ].join('\n'),
};

function compile(folder: string, toolVersion: number): Uint8Array {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.hwdb'))
    .sort();
  const files = names.map((name) => ({
    path: join(folder, name),
    text: readFileSync(join(folder, name), 'latin1'),
  }));
  return compileHwdb(files, { toolVersion });
}

/** Compares with what systemd's own compiler makes of the same folder. */
function checkAgainstSystemd(given: Record<string, string>): void {
  const root = mkdtempSync(join(scratch, 'root-'));
  const folder = join(root, 'usr/lib/udev/hwdb.d');
  mkdirSync(folder, { recursive: true });
  symlinkSync('usr/lib', join(root, 'lib'));
  for (const [name, text] of Object.entries(given))
    writeFileSync(join(folder, name), text, 'latin1');
  execFileSync('systemd-hwdb', ['update', '--usr', '--root', root], { stdio: 'pipe' });
  const theirs = readFileSync(join(root, 'usr/lib/udev/hwdb.bin'));
  const ours = compile(folder, theirs.readUInt32LE(8));
  assert.equal(ours.length, theirs.length);
  assert.ok(Buffer.compare(ours, theirs) === 0);
}

test('systemd-hwdb makes the same database', needs('systemd-hwdb'), () => {
  checkAgainstSystemd(texts);
});

test('systemd-hwdb makes the same of many overlapping matches', needs('systemd-hwdb'), () => {
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const word = (): string => Array.from({ length: 1 + next(6) }, () => 'abAB:*'[next(6)]).join('');
  let text = '';
  for (let i = 0; i < 2000; i++) {
    text += `${word()}${word()}\n KEY_${word().replace(/\W/g, 'x')}=${word()}\n\n`;
  }
  checkAgainstSystemd({ '10-random.hwdb': text });
});

const systemFolder = '/usr/lib/udev/hwdb.d';
test(
  'systemd-hwdb makes the same database of a whole system',
  {
    skip:
      needs('systemd-hwdb').skip ||
      (existsSync(systemFolder) ? false : `${systemFolder} does not exist`),
  },
  () => {
    const names = readdirSync(systemFolder).filter((name) => name.endsWith('.hwdb'));
    checkAgainstSystemd(
      Object.fromEntries(
        names.map((name) => [name, readFileSync(join(systemFolder, name), 'latin1')]),
      ),
    );
  },
);

test('faults are named by file and line, and the rest counts', () => {
  const warnings: string[] = [];
  compileHwdb([{ path: 'faulty', text: texts['30-faulty.hwdb']! }], {
    toolVersion: 257,
    onWarning: (path, line, message) => warnings.push(`${path}:${line}: ${message}`),
  });
  assert.deepEqual(
    warnings.map((text) => text.replace(/: .*/, '')),
    ['faulty:1', 'faulty:4', 'faulty:6', 'faulty:7', 'faulty:9'],
  );
});

test('the builder reads folders and single files, the later winning by name', async () => {
  const [first, second] = [join(scratch, 'first'), join(scratch, 'second')];
  for (const folder of [first, second]) mkdirSync(folder);
  writeFileSync(join(first, '10-a.hwdb'), 'a:*\n X=first\n');
  writeFileSync(join(second, '10-a.hwdb'), 'a:*\n X=second\n');
  const local = join(scratch, '99-local.hwdb');
  writeFileSync(local, 'b:*\n Y=local\n');
  const { job, out } = fakeJob({
    attributes: { sources: [first, second, join(scratch, 'none'), local] },
  });
  await hwdbBuilder.build(job);
  const text = readFileSync(out, 'latin1');
  assert.ok(text.includes('second') && text.includes('local') && !text.includes('first'));
});
