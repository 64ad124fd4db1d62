/** How evaluations are performed after changes: which leave images, of what, and which go on from one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  mayChange, newBasis, nextBasis, planRevision, type Basis, type History, type Revision,
} from '../../src/host/results/revision.ts';
import { EvaluationTrace, type Observations } from '../../src/host/results/trace.ts';

function seenOf(files: Readonly<Record<string, string>>, texts: readonly string[] = []): Observations {
  const trace = new EvaluationTrace();
  for (const [place, hash] of Object.entries(files)) trace.file(place, undefined, hash);
  for (const place of texts) trace.text(place);
  trace.place('/nix/store/x', '/root/nix/store/x');
  return trace.observations();
}

const files = { '/etc/host.nix': 'h', '/etc/parts/a.nix': 'a', '/etc/text': 't', '/src/lib.nix': 'l', '/root/nix/store/x/y.nix': 'y' };
const seen = seenOf(files, ['/etc/text']);
const long: History = { refusals: 0, isWorthwhile: true };

function plan(history: History, changed: readonly string[], now: Readonly<Record<string, string>> = {}, hasImage = true): Revision | undefined {
  return planRevision('question', { seen, history }, changed, (place) => now[place], hasImage);
}

test('files that are imported may change, and nothing else', () => {
  const may = mayChange({ seen, history: long });
  assert.deepEqual(Object.keys(files).filter(may), ['/etc/host.nix', '/etc/parts/a.nix', '/src/lib.nix']);
});

test('an image follows what has changed, and its neighbours if they are few', () => {
  assert.deepEqual(plan(long, ['/etc/host.nix']), { kind: 'noted', inputs: ['/etc/host.nix', '/etc/parts/a.nix'], refusals: 0 });
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`/etc/many/${i}.nix`, `${i}`]));
  const crowded = { seen: seenOf({ ...many, '/etc/host.nix': 'h', '/etc/other.nix': 'o' }), history: long };
  const inputs = (changed: string) => {
    const revision = planRevision('question', crowded, [changed], () => '', true);
    return revision?.kind === 'noted' ? revision.inputs : assert.fail(revision?.kind);
  };
  assert.deepEqual(inputs('/etc/host.nix'), ['/etc/host.nix', '/etc/other.nix']);
  assert.deepEqual(inputs('/etc/many/7.nix'), ['/etc/many/7.nix']);
});

test('short evaluations and large changes are made anew', () => {
  assert.equal(plan({ ...long, isWorthwhile: false }, ['/etc/host.nix']), undefined);
  assert.equal(plan(long, Array.from({ length: 41 }, (_, i) => `/etc/${i}.nix`)), undefined);
});

const basis = newBasis('image', ['/etc/host.nix', '/etc/parts/a.nix', '/etc/text', '/etc/unseen.nix'], seen);

test('only what was imported is an input', () => {
  assert.deepEqual([...basis.inputs], [['/etc/host.nix', 'h'], ['/etc/parts/a.nix', 'a']]);
});

test('an image is told of all that is not as it knows it', () => {
  const changedNow = plan({ ...long, basis }, ['/etc/host.nix'], { '/etc/host.nix': 'h2' });
  assert.deepEqual(changedNow, {
    kind: 'again', question: 'question', basis, changed: ['/etc/host.nix'], since: ['/etc/host.nix'], refusals: 0,
  });
  const old: Basis = { ...basis, inputs: new Map([...basis.inputs, ['/etc/parts/a.nix', 'before']]) };
  const revision = plan({ ...long, basis: old }, ['/etc/host.nix'], { '/etc/host.nix': 'h' });
  assert.deepEqual(revision?.kind === 'again' && revision.changed, ['/etc/parts/a.nix']);
  assert.equal(plan({ ...long, basis }, ['/etc/host.nix'], {}), undefined, 'what cannot be read');
});

test('other files, or no image, make another image', () => {
  assert.equal(plan({ ...long, basis }, ['/etc/host.nix'], { '/etc/host.nix': 'h' }, false)?.kind, 'noted');
  assert.equal(plan({ ...long, basis }, ['/src/lib.nix'])?.kind, 'noted');
  const later = { ...basis, later: new Set(['/src/lib.nix']) };
  assert.equal(plan({ ...long, basis: later }, ['/src/lib.nix'])?.kind, 'again', 'a file that the image does not know');
});

test('an image that serves little is given up', () => {
  const now = seenOf({ '/etc/new.nix': 'n' });
  assert.equal(nextBasis(basis, seen, now, { again: 200, ofAll: 1000 }), undefined);
  let next: Basis | undefined = basis;
  let evaluations = 0;
  for (; next !== undefined && evaluations < 100; evaluations++) next = nextBasis(next, seen, now, { again: 20, ofAll: 1000 });
  assert.equal(evaluations, 4);
  assert.deepEqual([...nextBasis(basis, seen, now, { again: 1, ofAll: 1000 })!.later], ['/etc/new.nix']);
});

test('what cannot have an image is left alone for a while', () => {
  let refusals = 0;
  const kinds: (string | undefined)[] = [];
  for (let i = 0; i < 60; i++) {
    const revision = plan({ ...long, refusals }, ['/etc/host.nix']);
    kinds.push(revision?.kind);
    refusals = revision?.kind === 'anew' ? revision.refusals : refusals + 1;
  }
  assert.deepEqual(kinds.slice(0, 4), ['noted', 'noted', 'anew', 'anew']);
  assert.equal(kinds.filter((kind) => kind === 'noted').length, 6);
});
