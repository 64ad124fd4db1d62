/** Derivations that use outputs of derivations which a build makes: their text, JSON and placeholders. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  derivationFromJson, derivationToJson, downstreamPlaceholder, dynamicInputsOf, dynamicPlaceholder, dynamicUses, parseBuiltElement,
  parseDerivation, parseStorePath, printDerivation, type Derivation, type StorePath,
} from '#formats';

const path = (letter: string, name: string): StorePath => parseStorePath(`/nix/store/${letter.repeat(32)}-${name}`);
const [maker, other] = [path('a', 'maker.drv.drv'), path('b', 'other.drv')];

const derivation: Derivation = {
  name: 'user', system: 'x', builder: 'b', args: [], inputSources: [], env: new Map(),
  outputs: new Map([['out', { kind: 'deferred' }]]),
  inputDerivations: new Map([[maker, []], [other, ['out']]]),
  dynamicInputs: dynamicInputsOf([
    { drvPath: maker, chain: ['out', 'lib'] }, { drvPath: maker, chain: ['out', 'bin', 'deep'] },
    { drvPath: maker, chain: ['out', 'bin'] },
  ]),
};

test('the text is that of C++ Nix, and is read again', () => {
  const text = printDerivation(derivation);
  assert.equal(text, 'DrvWithVersion("xp-dyn-drv",[("out","","","")],'
    + `[("${maker}",([],[("out",(["bin","lib"],[("bin",["deep"])]))])),("${other}",["out"])],[],"x","b",[],[])`);
  assert.deepEqual(parseDerivation(text, 'user'), derivation);
  assert.throws(() => parseDerivation(text.replace('xp-dyn-drv', 'xp-other'), 'user'), /expected string/);
  assert.throws(() => parseDerivation(text.replace('["deep"]', '([],[])'), 'user'), /an input without outputs/);
  const endless = '([],[("out",'.repeat(100);
  assert.throws(() => parseDerivation(text.replace('["deep"]', endless), 'user'), /nested too deep/);
});

test('the JSON is read again', () => {
  const json = JSON.stringify(derivationToJson(derivation));
  assert.match(json, /"dynamicOutputs":\{"out":\{"outputs":\["bin","lib"\],"dynamicOutputs":\{"bin":\{"outputs":\["deep"\]/);
  assert.deepEqual(derivationFromJson(json, '/nix/store').dynamicInputs, derivation.dynamicInputs);
});

test('each use has a placeholder, made of its derivation\'s', () => {
  const uses = dynamicUses(derivation.dynamicInputs ?? new Map());
  assert.deepEqual(uses.map(({ chain }) => chain.join('^')), ['out^bin', 'out^lib', 'out^bin^deep']);
  assert.equal(dynamicPlaceholder({ drvPath: maker, chain: ['out'] }), downstreamPlaceholder(maker, 'out'));
  assert.equal(new Set(uses.map(dynamicPlaceholder)).size, 3);
  assert.deepEqual(parseBuiltElement(`!lib!!out!${maker}`), { drvPath: maker, chain: ['out', 'lib'] });
});
