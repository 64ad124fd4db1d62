/**
 * Images of the machine: whatever a task does from outside finds what it made before; and images that
 * do not fit are refused, as is what they cannot tell.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeUtf8 } from '#base';
import { revisionCounts, Unkept, type RevisionCounts, type StoredImage } from '#flat';
import { Attrs, call, ContextCollector, type EvalSettings, force, forceDeep, type Value, valueToJson } from '#runtime';
import { selectPath } from '../../src/host/tasks/attribute-path.ts';
import { autoCall } from '../../src/host/tasks/expression-source.ts';
import { openSession, type Session } from './evaluate.ts';
import { forgetSources, storedImage } from './revised.ts';

type Files = Readonly<Record<string, string>>;
type Task = (session: Session, folder: string) => Value;

/** Performs a task with notes; `again` performs it from the image, after some files have got other texts. */
function perform(files: Files, task: Task, use: (kept: {
  readonly image: StoredImage | undefined;
  again(changed: Files, settings?: Partial<EvalSettings>, image?: StoredImage): { readonly shown: string } & RevisionCounts;
}) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'firn-images-'));
  const write = (texts: Files): string[] => Object.entries(texts).map(([name, text]) => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const shown = (session: Session): string => {
    const value = session.evaluator.guard(() => {
      const found = task(session, folder);
      forceDeep(found);
      return found;
    });
    // As JSON: printing would tell whether equal sets are the same one.
    return [...session.output, decodeUtf8(valueToJson(value, session.evaluator, new ContextCollector()))].join('\n');
  };
  try {
    write(files);
    const inputs = { has: (path: string) => path.startsWith(`${folder}/`) && !path.includes('/stable/') };
    const noting = openSession({}, {}, undefined, true, inputs);
    const first = shown(noting);
    assert.equal(first, shown(openSession()));
    const made = noting.evaluator.machineImage();
    const kept = made === undefined ? undefined : storedImage(made);
    use({
      image: kept,
      again(texts, settings = {}, image = kept!) {
        const changed = write(texts);
        forgetSources();
        const session = openSession(settings, {}, undefined, true, undefined, { image, changed });
        const found = shown(session);
        const counts = revisionCounts();
        assert.equal(found, shown(openSession(settings)));
        return { shown: found, ...counts };
      },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Much that does not depend on what changes, in a set that is passed around. */
const library = `
  rec {
    inherit (builtins) genList hashString;
    hashes = genList (n: hashString "sha256" (toString n)) 300;
    pick = set: n: { inherit n; name = "\${set.name}-\${builtins.elemAt hashes n}"; };
    twice = f: x: f (f x);
  }`;

test('arguments, selections and functions applied from outside meet what they made', () => {
  const files = {
    'stable/lib.nix': library,
    'host.nix': '{ name = "one"; size = 3; }',
    'main.nix': `{ lib, label, host ? import ./host.nix, extra ? 1 }: {
      all = { suffix }: { list = builtins.genList (lib.pick host) (host.size + 50); inherit label suffix extra; };
      other = lib.twice (x: x + extra) 1;
    }`,
  };
  const task: Task = ({ evaluator }, folder) => {
    const args = Attrs.fromEntries([
      ['lib', evaluator.delayString('import ./stable/lib.nix', folder)],
      ['label', 'text'],
      ['suffix', evaluator.delayString('let x = "a"; in { y = x + "b"; }', folder)],
    ]);
    const root = autoCall(args, evaluator.evaluateMainFile(join(folder, 'main.nix')));
    const all = autoCall(args, selectPath('all', args, root));
    const found = ['list.7.name', 'list.8', 'suffix.y'].map((path) => force(selectPath(path, args, all)));
    found.push(force(selectPath('other', args, root)));
    const apply = evaluator.evaluateString('set: map (n: set.list) [ 1 2 3 ]', folder);
    return [...found, call(apply, all)];
  };
  perform(files, task, ({ again }) => {
    assert.equal(again({}).again, 0);
    assert.ok(again({ 'host.nix': '# why\n{ name = "one"; size = 3; }' }).again < 10);
    const { again: count, ofAll, shown } = again({ 'host.nix': '{ name = "one"; size = 4; }' });
    assert.ok(count > 0 && count < ofAll / 3, `${count} thunks of ${ofAll}`);
    assert.ok(ofAll > 150, `${ofAll}`);
    assert.match(shown, /one-/);
    assert.match(again({ 'host.nix': '{ name = "two"; size = 3; }' }).shown, /two-/);
  });
});

test('a list of values, of which one depends on a change', () => {
  const files = { 'stable/lib.nix': library, 'host.nix': '{ name = "one"; }' };
  const task: Task = ({ evaluator }, folder) => [
    evaluator.evaluateString('(import ./stable/lib.nix).hashes', folder),
    evaluator.evaluateString('with import ./stable/lib.nix; (pick (import ./host.nix) 1).name', folder),
    evaluator.evaluateFile(join(folder, 'host.nix')),
  ];
  perform(files, task, ({ again }) => {
    const { again: count } = again({ 'host.nix': '{ name = "two"; }' });
    assert.ok(count > 0 && count < 10, `${count} thunks`);
  });
});

test('what is alike in a changed file is what it was, wherever it stands now', () => {
  const files = {
    'stable/lib.nix': library,
    'stable/main.nix': `let host = import ../host.nix; inherit (import ./lib.nix) hashes; in {
      long = map (x: "\${x}!") host.long; loaded = map (path: map (x: "\${x}?") (import path)) host.modules;
      at = (builtins.unsafeGetAttrPos "long" host).line;
    }`,
    'stable/module.nix': 'builtins.genList toString 100',
    'host.nix': '{ long = (import ./stable/lib.nix).hashes ++ [ "z" ]; modules = [ ./stable/module.nix ]; other = 1; }',
  };
  const task: Task = ({ evaluator }, folder) => evaluator.evaluateFile(join(folder, 'stable/main.nix'));
  perform(files, task, ({ again }) => {
    const { again: count, ofAll } = again({ 'host.nix': `\n\n${files['host.nix'].replace('other = 1', 'other = 2')}` });
    assert.ok(count < 10 && ofAll > 300, `${count} thunks of ${ofAll}`);
    const { again: moved } = again({ 'host.nix': 'let x = 1; in { modules = [ ./stable/module.nix ]; long = [ "b" ]; other = x; }' });
    assert.ok(moved < 20, `${moved} thunks of ${ofAll}`);
  });
});

test('what was shown is shown, and files are imported that were not before', () => {
  const files = {
    'stable/main.nix': 'let h = import ../host.nix; in [ (builtins.trace "stable" 1) (builtins.trace "host ${h.name}" h.more or 2) ]',
    'stable/new.nix': 'builtins.trace "new" { line = __curPos.line; }',
    'host.nix': '{ name = "one"; }',
  };
  const task: Task = ({ evaluator }, folder) => evaluator.evaluateFile(join(folder, 'stable/main.nix'));
  perform(files, task, ({ again }) => {
    assert.equal(again({}).shown, 'trace: stable\ntrace: host one\n[1,2]');
    again({ 'host.nix': '{ name = "two"; more = import ./stable/new.nix; }' });
    again({ 'host.nix': '{ name = "two"; more = import ./next.nix; }', 'next.nix': '[ ./next.nix ]' });
  });
});

test('an image of another machine is refused, and files that cannot be read', () => {
  const files = { 'host.nix': '{ name = "one"; }' };
  const task: Task = ({ evaluator }, folder) => evaluator.evaluateString('(import ./host.nix).name', folder);
  perform(files, task, ({ image, again }) => {
    again({});
    const other: StoredImage = { ...image!, text: (name) => (name === 'prefix' ? 'another' : image!.text(name)) };
    assert.throws(() => again({}, {}, other), Unkept);
    assert.throws(() => again({}, { features: new Set(['parse-toml-timestamps', 'fetch-tree']) }), Unkept);
    assert.throws(() => again({}, { currentSystem: 'aarch64-linux' }), Unkept);
    assert.throws(() => again({ 'host.nix': '{ name = }' }), Unkept);
    assert.throws(() => again({ 'host.nix': 'undefined' }), Unkept);
    again({ 'host.nix': '{ name = "two"; }' });
  });
});

test('no image is made of what could not be met again', () => {
  const programs = [
    'builtins.scopedImport { } ./host.nix',
    'let h = import ./host.nix; y = builtins.trace "y" (throw h.name); in builtins.tryEval y',
  ];
  for (const text of programs) {
    perform({ 'host.nix': '{ name = "one"; }' }, ({ evaluator }, folder) => evaluator.evaluateString(text, folder),
      ({ image }) => assert.equal(image, undefined, text));
  }
});
