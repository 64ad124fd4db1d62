/**
 * Files of a store that are not what they should be: each is read, or refused with an error that is
 * meant for people; nothing else ever happens. `FIRN_TEST_FUZZ_ROUNDS` makes it as long as one likes,
 * `FIRN_TEST_FUZZ_SEED` begins the sequence elsewhere.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '#base';
import { dynamicInputsOf, NarReader, parseDerivation, parseNarInfo, parseStorePath, printDerivation, type Derivation } from '#formats';
import { deleteTree, exportPaths, importPaths, LocalStore, narPieces, TreeRestorer, verifyStore } from '#store';

const scratch = mkdtempSync(join(tmpdir(), 'firn-fuzz-'));
after(() => { deleteTree(scratch); });
const rounds = Number(process.env['FIRN_TEST_FUZZ_ROUNDS'] ?? 3000);
const firstSeed = Number(process.env['FIRN_TEST_FUZZ_SEED'] ?? 0);

/** A repeatable sequence, so that a failure can be found again. */
function generator(seed: number): (below: number) => number {
  let state = firstSeed + seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % Math.max(1, below);
  };
}

/** Cut, doubled, with bytes changed or put in. */
function damage(text: string, random: (below: number) => number): string {
  let result = text;
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(result.length);
    const length = random(12);
    switch (random(5)) {
      case 0: result = result.slice(0, at); break;
      case 1: result = result.slice(0, at) + String.fromCharCode(random(256)) + result.slice(at + 1); break;
      case 2: result = result.slice(0, at) + result.slice(at + length); break;
      case 3: result = result.slice(0, at) + result.slice(at, at + length).repeat(2) + result.slice(at + length); break;
      default: result = result.slice(0, at) + '"()[],\\:\n'.charAt(random(9)) + result.slice(at);
    }
  }
  return result;
}

/** Gives damaged texts to `read`; at most `most` in a hundred may be taken for good. */
function fuzz(text: string, read: (damaged: string) => unknown, most: number): void {
  const random = generator(1);
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    const damaged = damage(text, random);
    if (damaged === text) continue;
    try {
      read(damaged);
      accepted += 1;
    } catch (error) {
      assert.ok(error instanceof UserError, `${(error as Error).stack}\nround ${round}: ${JSON.stringify(damaged)}`);
    }
  }
  assert.ok(accepted * 100 <= rounds * most, `${accepted} of ${rounds} damaged texts were accepted`);
}

const hash = '0ppy2x0lpn0l4yz8a4vmsrm5nkbiblrbnzcrp2lyjn0n0zfqvf8k';
const store = '/nix/store/';
const path = `${store}${'a'.repeat(32)}-hello`;

test(`narinfo files damaged in ${rounds} ways`, () => {
  const text = `StorePath: ${path}\nURL: nar/${hash}.nar.xz\nCompression: xz\nFileHash: sha256:${hash}\nFileSize: 1234\n`
    + `NarHash: sha256:${hash}\nNarSize: 5678\nReferences: ${'b'.repeat(32)}-b ${'c'.repeat(32)}-c\n`
    + `Deriver: ${'d'.repeat(32)}-hello.drv\nSig: cache-1:${'A'.repeat(86)}==\nCA: fixed:r:sha256:${hash}\n`;
  fuzz(text, (damaged) => parseNarInfo(damaged, 'fuzz'), 75);
});

test(`derivations damaged in ${rounds} ways; what is accepted is printed and read again`, () => {
  const derivation: Derivation = {
    name: 'hello',
    outputs: new Map([['out', { kind: 'input-addressed', path: parseStorePath(path) }]]),
    inputDerivations: new Map([[parseStorePath(`${store}${'b'.repeat(32)}-b.drv`), ['dev', 'out']]]),
    inputSources: [parseStorePath(`${store}${'c'.repeat(32)}-c`)],
    system: 'x86_64-linux', builder: `${store}${'c'.repeat(32)}-c/bin/sh`, args: ['-c', 'echo "x\\y"\n\t'],
    env: new Map([['name', 'hello'], ['out', path]]),
  };
  fuzz(printDerivation(derivation), (damaged) => {
    const printed = printDerivation(parseDerivation(damaged, 'hello'));
    assert.equal(printDerivation(parseDerivation(printed, 'hello')), printed);
  }, 75);
});

test(`derivations with dynamic inputs damaged in ${rounds} ways`, () => {
  const maker = parseStorePath(`${store}${'b'.repeat(32)}-b.drv`);
  const derivation: Derivation = {
    name: 'hello', outputs: new Map([['out', { kind: 'deferred' }]]), inputDerivations: new Map([[maker, ['out']]]),
    dynamicInputs: dynamicInputsOf([{ drvPath: maker, chain: ['out', 'a'] }, { drvPath: maker, chain: ['out', 'a', 'b'] }]),
    inputSources: [], system: 'x', builder: 'b', args: [], env: new Map([['out', '']]),
  };
  fuzz(printDerivation(derivation), (damaged) => {
    const printed = printDerivation(parseDerivation(damaged, 'hello'));
    assert.equal(printDerivation(parseDerivation(printed, 'hello')), printed);
  }, 75);
});

test('store paths damaged', () => {
  fuzz(path, (damaged) => parseStorePath(damaged), 75);
});

const latin1 = (bytes: readonly Uint8Array[]): string => Buffer.concat(bytes).toString('latin1');

async function all(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const bytes: Uint8Array[] = [];
  for await (const piece of pieces) bytes.push(piece.slice());
  return latin1(bytes);
}

/** A tree of every kind, and a link that leads where nothing may be written. */
function sampleTree(): string {
  const tree = join(scratch, 'tree');
  mkdirSync(join(scratch, 'outside'), { recursive: true });
  mkdirSync(join(tree, 'd/e'), { recursive: true });
  writeFileSync(join(tree, 'd/e/file'), 'content');
  writeFileSync(join(tree, 'd/program'), 'x', { mode: 0o755 });
  symlinkSync(join(scratch, 'outside'), join(tree, 'd/a'));
  return tree;
}

test('archives damaged: what is accepted stands there afterwards, and nothing stands elsewhere', async () => {
  const archive = await all(narPieces(sampleTree()));
  const random = generator(3);
  const place = join(scratch, 'restored');
  let accepted = 0;
  for (let round = 0; round < rounds / 5; round++) {
    const damaged = damage(archive, random);
    const restorer = new TreeRestorer(place);
    const reader = new NarReader(restorer);
    try {
      for (let at = 0; at < damaged.length;) {
        const end = at + 1 + random(300);
        reader.write(Buffer.from(damaged.slice(at, end), 'latin1'));
        at = end;
      }
      reader.end();
      accepted += 1;
    } catch (error) {
      assert.ok(error instanceof UserError, `${(error as Error).stack}\nround ${round}`);
      restorer.abandon();
      deleteTree(place);
      continue;
    }
    // What follows an archive is somebody else's.
    assert.ok(damaged.startsWith(await all(narPieces(place))), `round ${round}: ${JSON.stringify(damaged)}`);
    deleteTree(place);
  }
  assert.deepEqual(readdirSync(join(scratch, 'outside')), []);
  assert.ok(accepted * 100 <= rounds / 5 * 75, `${accepted} accepted`);
});

test('exports damaged: what is imported is whole', async () => {
  const from = new LocalStore({ root: join(scratch, 'exporting') });
  const first = from.addTextToStore('first', 'text '.repeat(40), []);
  const exported = await all(exportPaths(from, [first, from.addTextToStore('second', first, [first])]));
  from.close();
  const root = join(scratch, 'importing');
  const to = new LocalStore({ root });
  const random = generator(4);
  for (let round = 0; round < rounds / 100; round++) {
    const damaged = damage(exported, random);
    try {
      await importPaths(to, (async function* pieces() { yield Buffer.from(damaged, 'latin1'); })());
    } catch (error) {
      assert.ok(error instanceof UserError, `${(error as Error).stack}\nround ${round}`);
    }
  }
  assert.deepEqual((await verifyStore(to, { checkContents: true })).problems, []);
  to.close();
});

test('databases damaged', async () => {
  const root = join(scratch, 'root');
  const made = new LocalStore({ root });
  const a = made.addTextToStore('a', 'a', []);
  for (let i = 0; i < 20; i++) made.addTextToStore(`b${i}`, a + i, [a]);
  made.close();
  const file = join(root, 'nix/var/nix/db/db.sqlite');
  const good = readFileSync(file);
  const random = generator(7);
  for (let round = 0; round < Math.max(20, rounds / 100); round++) {
    const bad = Buffer.from(good);
    for (let i = 0; i < 30; i++) bad[100 + random(bad.length - 100)] = random(256);
    writeFileSync(file, round % 5 === 0 ? bad.subarray(0, random(bad.length)) : bad);
    try {
      const opened = new LocalStore({ root });
      try {
        await verifyStore(opened, { checkContents: true });
        opened.closureOf(opened.allValidPaths());
      } finally {
        opened.close();
      }
    } catch (error) {
      assert.ok(error instanceof UserError, `round ${round}: ${(error as Error).stack}`);
    }
  }
});
