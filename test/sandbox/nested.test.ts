/** A builder that calls Nix itself: Debian's commands in the sandbox, our daemon behind the socket. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { usualFeatures } from '#build';
import { hashOf } from '#base';
import { makeTextPath, type StorePath } from '#formats';
import { hostSystem } from '#host';
import { deleteTree, LocalStore, RestrictedStore } from '#store';
import { needs } from '../support/foreign.ts';
import { freshSandbox, needsSandbox } from './builds.ts';

const skip = needsSandbox.skip || needs('nix-store', 'nix-instantiate').skip;
/** Where foreign programs and their libraries are. */
const machine = ['/usr', '/bin', '/lib', '/lib64'].filter((path) => existsSync(path)).map((path) => ({ target: path, source: path }));

test('a builder adds, builds and asks by Nix, and sees nothing but what it got so', { skip }, async () => {
  const builds = freshSandbox();
  try {
    const { store, tools } = builds;
    const hidden = store.addTextToStore('hidden', 'hidden', []);
    // Built in the same run: it is registered a while after what needs it has begun.
    const input = builds.add('input', { script: 'echo input > $out' });
    const script = `
      set -e
      export HOME=/build PATH=${tools}/bin:/usr/bin
      referring=$(nix-instantiate --eval --read-write-mode -E '
        builtins.toFile "referring" (builtins.storePath "${input.out}")' | tr -d '"')
      [ "$(cat $referring)" = ${input.out} ]
      echo added > file
      added=$(nix-store --add file)
      cat $added
      nix-store -q --references $added
      if nix-store -q --hash ${hidden}; then exit 1; fi
      if nix-store -r ${hidden}; then exit 1; fi
      [ ! -e ${hidden} ]
      drv=$(nix-instantiate -E 'derivation {
        name = "inner"; system = "${hostSystem()}"; builder = (builtins.storePath ${tools}) + "/bin/sh";
        args = [ "-c" "echo inner > $out" ];
      }')
      inner=$(nix-store -r $drv)
      cat $inner
      echo "$added $inner $referring" > $out
    `;
    const env = { requiredSystemFeatures: 'recursive-nix' };
    const made = builds.add('outer', { script, inputs: [input], env });
    await assert.rejects(builds.build(builds.add('unable', { script, env })), /needs a machine with the features recursive-nix/);
    const place = (await builds.build(made, { features: [...usualFeatures, 'recursive-nix'], visiblePaths: machine })).get('out') as string;
    const paths = readFileSync(place, 'utf8').trim().split(' ') as StorePath[];
    assert.deepEqual(store.queryPathInfo(made.out)?.references, [...paths].sort(), 'what it got counts among its references');
    assert.deepEqual(paths.map((path) => readFileSync(store.physicalPath(path), 'utf8')), ['added\n', 'inner\n', input.out]);
    assert.match(builds.logOf(made), /added\n(.*\n)*inner\n/);
  } finally {
    builds.close();
  }
});

test('what is added refers to nothing that the builder does not see', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'firn-nested-'));
  const whole = new LocalStore({ root: join(folder, 'root') });
  try {
    const [input, hidden] = ['input', 'hidden'].map((name) => whole.addTextToStore(name, name, []));
    const restricted = new RestrictedStore(whole, [input as StorePath]);
    const refused = { code: 'NOT_IN_INPUTS', message: `cannot add a reference to unknown path '${hidden}' in recursive Nix` };
    const source = join(folder, 'source');
    writeFileSync(source, hidden as string);
    const flat = { method: 'recursive', algorithm: 'sha256' } as const;
    const references = [hidden as StorePath];
    const path = makeTextPath('nar', 'x', references);
    const info = { path, narHash: hashOf('sha256', 'x'), narSizeBytes: 1, references, signatures: [] };
    assert.throws(() => restricted.addTextToStore('text', `see ${hidden}`, references), refused);
    assert.throws(() => restricted.addTree('tree', source, { ...flat, references }), refused);
    await assert.rejects(restricted.addNar(info, (async function* none() {})()), refused);
    assert.throws(() => restricted.addDerivation({
      name: 'd', system: 'x', builder: '/x', args: [], env: new Map(), inputSources: references, inputDerivations: new Map(),
      outputs: new Map([['out', { kind: 'floating', ...flat }]]),
    }), refused);
    assert.deepEqual(whole.allValidPaths().sort(), [hidden, input].sort());
    const added = restricted.addTextToStore('text', `see ${input}`, [input as StorePath]);
    assert.deepEqual(whole.queryPathInfo(restricted.addTextToStore('next', added, [added]))?.references, [added]);
  } finally {
    whole.close();
    deleteTree(folder);
  }
});
