/**
 * What every `Store` must do. A new kind of store gets a file beside this one that says how to open
 * an empty one, and nothing else.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashOf } from '#base';
import {
  hashPartOf, makeOutputPath, makeTextPath, moduloFinder, NarWriter, outputHashModulo, outputPlaceholder,
  type Derivation, type PathInfo, type StorePath,
} from '#formats';
import { deleteTree, measureNar, type Store } from '#store';

/** `open` gives an empty store whose files are below `folder`. */
export function checkStore(kind: string, open: (folder: string) => Store): void {
  const scratch = mkdtempSync(join(tmpdir(), 'firn-contract-'));
  const opened: Store[] = [];
  after(() => {
    for (const store of opened) store.close();
    deleteTree(scratch);
  });
  const fresh = (): Store => {
    const store = open(mkdtempSync(join(scratch, 'store-')));
    opened.push(store);
    return store;
  };
  const sample = (): string => {
    const folder = mkdtempSync(join(scratch, 'tree-'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/run'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(folder, 'text'), 'text');
    symlinkSync('bin/run', join(folder, 'link'));
    return folder;
  };
  const check = (name: string, work: (store: Store) => Promise<void> | void): void => {
    test(`${kind}: ${name}`, async () => { await work(fresh()); });
  };

  check('a text has the path that its content says, and its references', (store) => {
    const a = store.addTextToStore('a', 'one', []);
    assert.equal(a, makeTextPath('a', 'one', []));
    const b = store.addTextToStore('b', a, [a]);
    assert.deepEqual(store.queryPathInfo(b)?.references, [a]);
    assert.deepEqual(store.queryReferrers(a), [b]);
    assert.deepEqual(store.closureOf([b]), [a, b].sort());
    assert.deepEqual(store.allValidPaths(), [a, b].sort());
    assert.equal(store.queryPathFromHashPart(hashPartOf(a)), a);
    assert.equal(readFileSync(store.physicalPath(a), 'latin1'), 'one');
    assert.equal(store.queryPathInfo(b)?.contentAddress?.method, 'text');
  });

  check('what is not there is not valid, and cannot be referred to', (store) => {
    const gone = makeTextPath('gone', 'x', []);
    assert.equal(store.isValidPath(gone), false);
    assert.equal(store.queryPathInfo(gone), undefined);
    assert.throws(() => store.closureOf([gone]), { code: 'PATH_NOT_VALID' });
    assert.throws(() => store.readDerivation(`${gone}.drv` as StorePath), { code: 'PATH_NOT_VALID' });
    assert.throws(() => store.addTextToStore('b', 'x', [gone]), { code: 'REFERENCE_NOT_VALID' });
  });

  check('a tree is copied as it is, its metadata canonical', (store) => {
    const folder = sample();
    const path = store.addTree('tree', folder, { method: 'recursive', algorithm: 'sha256' });
    const place = store.physicalPath(path);
    assert.equal(readlinkSync(join(place, 'link')), 'bin/run');
    assert.equal(statSync(join(place, 'bin/run')).mode & 0o777, 0o555);
    assert.equal(statSync(join(place, 'text')).mode & 0o777, 0o444);
    assert.equal(statSync(place).mtimeMs, 1000);
    assert.deepEqual(store.queryPathInfo(path)?.narHash, measureNar(folder).narHash);
    const filtered = store.addTree('tree', folder, {
      method: 'recursive', algorithm: 'sha256', filter: (inner) => inner !== '/text',
    });
    assert.notEqual(filtered, path);
    assert.equal(existsSync(join(store.physicalPath(filtered), 'text')), false);
  });

  check('a NAR goes out and comes in, and a wrong one does not', async (store) => {
    const path = store.addTree('tree', sample(), { method: 'recursive', algorithm: 'sha256' });
    const pieces: Uint8Array[] = [];
    for await (const piece of store.narOf(path)) pieces.push(piece.slice());
    const info = store.queryPathInfo(path) as PathInfo;
    const other = fresh();
    await other.addNar(info, stream(pieces));
    assert.deepEqual(other.queryPathInfo(path)?.narHash, info.narHash);
    assert.equal(readFileSync(join(other.physicalPath(path), 'text'), 'utf8'), 'text');
    await other.addNar(info, stream(pieces));
    const third = fresh();
    await assert.rejects(third.addNar({ ...info, narHash: hashOf('sha256', 'x') }, stream(pieces)), { code: 'HASH_MISMATCH' });
    await assert.rejects(third.addNar({ ...info, narSizeBytes: 5 }, stream(pieces)), { code: 'SIZE_MISMATCH' });
    await assert.rejects(third.addNar(info, stream([Buffer.from('nonsense')])));
    // The NAR is what it is said to be, but not the content that the address promises.
    const forged = narOfText('forged');
    const lying = { ...info, narHash: hashOf('sha256', forged), narSizeBytes: forged.length };
    await assert.rejects(third.addNar(lying, stream([forged])), { code: 'CONTENT_ADDRESS_MISMATCH' });
    assert.deepEqual(third.allValidPaths(), []);
  });

  check('a derivation is read as it was added, and its outputs are known', (store) => {
    const source = store.addTextToStore('source', 'x', []);
    // The path that follows from the derivation: stores that are given others refuse them.
    const open = { ...sampleDerivation(source, { kind: 'deferred' }), env: new Map([['out', '']]) };
    const out = makeOutputPath('out', outputHashModulo(open, moduloFinder(() => open)) as string, open.name);
    const derivation = sampleDerivation(source, { kind: 'input-addressed', path: out });
    const drvPath = store.addDerivation(derivation);
    assert.deepEqual(store.readDerivation(drvPath), derivation);
    assert.deepEqual([...store.queryDerivationOutputs(drvPath)], [['out', out]]);
    assert.deepEqual(store.queryDerivers(out), [drvPath]);
    assert.deepEqual(store.queryPathInfo(drvPath)?.references, [source]);
  });

  check('outputs are scanned, made canonical and valid, all or none', async (store) => {
    const dependency = store.addTextToStore('dependency', 'x', []);
    const other = store.addTextToStore('other', 'y', []);
    const paths = ['one', 'two'].map((name) => makeTextPath(name, name, []));
    const outputs = paths.map((path, at) => {
      const physical = store.prepareOutput(path);
      writeFileSync(physical, at === 0 ? `${dependency} ${paths[1]}` : dependency, { mode: 0o600 });
      return { path, physical };
    });
    const options = { candidates: [dependency, other], deriver: makeTextPath('d.drv', 'd', []) };
    await assert.rejects(store.commitOutputs(outputs, { ...options, check() { throw new Error('refused'); } }), /refused/);
    assert.deepEqual(paths.map((path) => store.isValidPath(path)), [false, false]);
    const infos = await store.commitOutputs(outputs, options);
    assert.deepEqual(infos.map((info) => info.references), [[dependency, paths[1]].sort(), [dependency]]);
    assert.ok(infos.every((info) => info.ultimate && info.deriver === options.deriver));
    assert.equal(statSync(store.physicalPath(paths[0] as string)).mode & 0o777, 0o444);
    const missing = makeTextPath('missing', 'm', []);
    await assert.rejects(
      store.commitOutputs([{ path: missing, physical: store.prepareOutput(missing) }], { candidates: [] }), { code: 'OUTPUT_MISSING' });
  });

  check('signatures are added once', (store) => {
    const path = store.addTextToStore('signed', 'x', []);
    store.addSignatures(path, ['b:2', 'a:1']);
    store.addSignatures(path, ['a:1']);
    assert.deepEqual(store.queryPathInfo(path)?.signatures, ['a:1', 'b:2']);
    assert.throws(() => store.addSignatures(makeTextPath('gone', 'x', []), ['a:1']), { code: 'PATH_NOT_VALID' });
  });

  check('a realisation says what an output was built to; the first one stays', (store) => {
    const source = store.addTextToStore('source', 'x', []);
    const drvPath = store.addDerivation(sampleDerivation(source, { kind: 'floating', method: 'recursive', algorithm: 'sha256' }));
    assert.equal(store.queryRealisation(drvPath, 'out'), undefined);
    const [path, later] = ['built', 'later'].map((name) => store.addTextToStore(name, name, [])) as [StorePath, StorePath];
    store.registerRealisations([{ drvPath, output: 'out', path, signatures: ['a:1'] }]);
    store.registerRealisations([{ drvPath, output: 'out', path: later, signatures: ['b:2'] }]);
    assert.deepEqual(store.queryRealisation(drvPath, 'out'), { drvPath, output: 'out', path, signatures: ['a:1', 'b:2'] });
    assert.deepEqual([...store.queryDerivationOutputs(drvPath)], [['out', path]]);
  });

  check('a lock is held by one at a time', async (store) => {
    const [a, b] = ['a', 'b'].map((name) => makeTextPath(name, name, [])) as [StorePath, StorePath];
    const first = await store.lockPaths([a, b]);
    let isTaken = false;
    const second = store.lockPaths([b]).then((lock) => {
      isTaken = true;
      return lock;
    });
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    assert.equal(isTaken, false);
    first.release();
    (await second).release();
    (await store.lockPaths([a])).release();
  });
}

function sampleDerivation(source: StorePath, output: Derivation['outputs'] extends ReadonlyMap<string, infer O> ? O : never): Derivation {
  const out = output.kind === 'input-addressed' ? output.path : outputPlaceholder('out');
  return {
    name: 'sample', outputs: new Map([['out', output]]), inputDerivations: new Map(), inputSources: [source],
    system: 'x86_64-linux', builder: '/bin/sh', args: ['-c', 'true'], env: new Map([['out', out]]),
  };
}

async function* stream(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

function narOfText(text: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((bytes) => { pieces.push(bytes.slice()); });
  writer.file(Buffer.from(text), false);
  writer.finish();
  return Buffer.concat(pieces);
}
