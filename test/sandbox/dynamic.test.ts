/** Building what a derivation uses of derivations that are made by a build. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { outputPlaceholder, dynamicInputsOf, dynamicPlaceholder, type Derivation, type StorePath } from '#formats';
import { freshSandbox, needsSandbox } from './builds.ts';

test('an output that is a derivation is built in turn', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const { store, tools } = builds;
    const base = { system: store.readDerivation(builds.add('any', { script: '' }).drvPath).system, builder: `${tools}/bin/sh` };
    const inner: Derivation = {
      ...base, name: 'inner', args: ['-c', `PATH=${tools}/bin; echo inner > $out`], inputSources: [tools], inputDerivations: new Map(),
      outputs: new Map([['out', { kind: 'floating', method: 'recursive', algorithm: 'sha256' }]]),
      env: new Map([['out', outputPlaceholder('out')]]),
    };
    const copied = store.addDerivation(inner);
    const maker: Derivation = {
      ...base, name: 'inner.drv', args: ['-c', `${tools}/bin/cp ${copied} $out`], inputSources: [tools, copied].sort(),
      inputDerivations: new Map(), outputs: new Map([['out', { kind: 'floating', method: 'text', algorithm: 'sha256' }]]),
      env: new Map([['out', outputPlaceholder('out')]]),
    };
    const makerPath = store.addDerivation(maker);
    const use = { drvPath: makerPath, chain: ['out', 'out'] };
    const user: Derivation = {
      ...base, name: 'user', args: ['-c', `PATH=${tools}/bin; cp ${dynamicPlaceholder(use)} $out`], inputSources: [tools],
      inputDerivations: new Map([[makerPath, []]]), dynamicInputs: dynamicInputsOf([use]),
      outputs: new Map([['out', { kind: 'deferred' }]]), env: new Map([['out', '']]),
    };
    const drvPath = store.addDerivation(user);
    await builds.build({ drvPath, outputs: new Map(), out: '' as StorePath });
    assert.equal(store.queryRealisation(makerPath, 'out')?.path, copied);
    const made = store.queryDerivationOutputs(drvPath).get('out') as StorePath;
    assert.equal(readFileSync(store.physicalPath(made), 'utf8'), 'inner\n');
  } finally {
    builds.close();
  }
});

test('a text that is no derivation is refused where its name says it is one', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const { store, tools } = builds;
    const any = store.readDerivation(builds.add('any', { script: '' }).drvPath);
    const drvPath = store.addDerivation({
      ...any, name: 'bad.drv', args: ['-c', `${tools}/bin/echo nonsense > $out`], env: new Map([['out', outputPlaceholder('out')]]),
      outputs: new Map([['out', { kind: 'floating', method: 'text', algorithm: 'sha256' }]]),
    });
    await assert.rejects(builds.build({ drvPath, outputs: new Map(), out: '' as StorePath }), /bad.*expected string 'Derive/s);
    assert.deepEqual(store.allValidPaths().filter((path) => path.endsWith('-bad.drv')), []);
  } finally {
    builds.close();
  }
});
