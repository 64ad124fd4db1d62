/** Debian's text formats: versions as dpkg orders them, relations, control paragraphs. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { compareDebianVersions, parseRelations, readParagraphs } from '#formats';
import { needs } from '../support/foreign.ts';

// In rising order.
const versions = [
  '0~~', '0~~a', '0~', '0-0~', '0', '0a', '0+', '0.9', '1.0~beta1~svn1245', '1.0~beta1', '1.0', '1.0-1~bpo13+1',
  '1.0-1', '1.0-1+b1', '1.0-1.1', '1.0-2', '1.0a', '1.0+dfsg', '1.0.0', '1.2', '1.02a', '1.10', '2.41-12+deb13u4',
  '10', '20250216', '1:0.1', '1:1.2.3', '2:0',
];

const same = [['1.0', '1.00'], ['0:1', '1'], ['1.0-0', '1.0-00'], ['1.a', '1.a']] as const;

test('versions are ordered as Policy says', () => {
  for (const [i, left] of versions.entries()) {
    for (const [j, right] of versions.entries()) {
      assert.equal(Math.sign(compareDebianVersions(left, right)), Math.sign(i - j), `${left} ? ${right}`);
    }
  }
  for (const [left, right] of same) assert.equal(compareDebianVersions(left, right), 0, `${left} = ${right}`);
});

test('versions are ordered as dpkg orders them', needs('dpkg'), () => {
  let state = 12345;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  const characters = '0001129.~+-ab:';
  const word = (): string => {
    let text = `${random(3)}`;
    for (let i = random(7); i >= 0; i--) text += characters[random(characters.length - 1)];
    return text.replace(/-$/, '');
  };
  for (let i = 0; i < 120; i++) {
    const [left, right] = [word(), word()];
    const order = compareDebianVersions(left, right);
    const relation = order < 0 ? 'lt' : order > 0 ? 'gt' : 'eq';
    const { status } = spawnSync('dpkg', ['--compare-versions', left, relation, right]);
    assert.equal(status, 0, `${left} ${relation} ${right}`);
  }
});

test('relations are read with alternatives, versions and architectures', () => {
  const cases: [string, unknown][] = [
    ['libc6 (>= 2.41), foo', [[{ name: 'libc6', relation: '>=', version: '2.41' }], [{ name: 'foo' }]]],
    ['a | b:any (= 1:2~3)', [[{ name: 'a' }, { name: 'b', architecture: 'any', relation: '=', version: '1:2~3' }]]],
    ['old (< 2), older (> 1)', [[{ name: 'old', relation: '<=', version: '2' }], [{ name: 'older', relation: '>=', version: '1' }]]],
    ['x [amd64] <!nocheck>', [[{ name: 'x' }]]],
    ['', []],
    ['\n a,\n b', [[{ name: 'a' }], [{ name: 'b' }]]],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseRelations(text), expected, text);
});

test('paragraphs are read with continuation lines; only what is wanted', () => {
  const text = 'Package: a\nTag: x,\n y\n# comment\nVersion: 1\n\n\npackage: b\nbroken line\n';
  const all = [...readParagraphs(text)].map((paragraph) => Object.fromEntries(paragraph));
  assert.deepEqual(all, [{ Package: 'a', Tag: 'x,\n y', Version: '1' }, { package: 'b' }]);
  const wanted = [...readParagraphs(text, ['Package'])].map((paragraph) => Object.fromEntries(paragraph));
  assert.deepEqual(wanted, [{ Package: 'a' }, { Package: 'b' }]);
});
