/**
 * A kept result is never stale: each kind of input is changed in turn, and a result that a new
 * evaluation would not give must not be believed. What changes no result must not evaluate again.
 *
 * Every case runs on files that have rested, whose states are believed, and on fresh ones, whose
 * content is compared.
 */

import assert from 'node:assert/strict';
import {
  chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { noProgress, UserError } from '#base';
import { createEvaluator, type FetchResult } from '#eval';
import { ContextString, createBuiltins, forceDeep, printAmbiguous } from '#runtime';
import { deleteTree, LocalStore } from '#store';
import { EvaluationHost } from '../../src/host/evaluation-host.ts';
import { evaluationSettings } from '../../src/host/evaluation-settings.ts';
import { isUnchanged } from '../../src/host/results/revalidate.ts';
import { EvaluationTrace } from '../../src/host/results/trace.ts';
import { readSettings } from '../../src/host/settings.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-results-'));
after(() => { deleteTree(scratch); });

/** All that a case's expression can see of the world. */
class World {
  readonly folder: string;
  readonly environment: Record<string, string> = {};
  fetched: FetchResult = { storePath: `/nix/store/${'a'.repeat(32)}-source`, attributes: new Map([['rev', '1']]) };
  searchPathEntry: string | null = null;
  /** Whether entries of the search path cannot be had. */
  failing = false;
  store: LocalStore;

  constructor(name: string) {
    this.folder = join(scratch, name);
    mkdirSync(this.folder);
    this.store = new LocalStore({ root: join(this.folder, 'root') });
  }

  place(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(join(this.place(name), '..'), { recursive: true });
    writeFileSync(this.place(name), text);
  }

  /** Writes a text of the same length, and the modification time is as before. */
  rewriteUnseen(name: string, text: string): void {
    const { size, atime, mtime } = statSync(this.place(name));
    this.write(name, text);
    utimesSync(this.place(name), atime, mtime);
    assert.equal(statSync(this.place(name)).size, size);
    assert.equal(statSync(this.place(name)).mtimeMs, mtime.getTime());
  }

  services() {
    return {
      realise: () => new Map<string, string>(),
      fetch: () => this.fetched,
      resolveSearchPathEntry: () => {
        if (this.failing) throw new UserError('TEST_UNREACHABLE', 'it cannot be reached');
        return this.searchPathEntry;
      },
    };
  }

  evaluate(expression: string): { value: string; trace: EvaluationTrace } {
    const trace = new EvaluationTrace();
    const environment = { HOME: '/', NIX_CONF_DIR: '/nonexistent' };
    const settings = readSettings({ environment, overrides: [] });
    const host = new EvaluationHost({
      storeDirectory: '/nix/store', openStore: () => this.store, services: this.services(), progress: noProgress,
      environment: this.environment, currentTime: 1, trace,
    });
    const evaluator = createEvaluator({
      host, settings: evaluationSettings(settings, environment, ['entry=channel:x'], this.folder), builtins: createBuiltins,
    });
    const value = evaluator.evaluateString(expression, this.folder);
    forceDeep(value);
    host.flush();
    return { value: value instanceof ContextString ? value.text : printAmbiguous(value), trace };
  }

  holds(trace: EvaluationTrace): Promise<boolean> {
    const services = this.services();
    return isUnchanged(trace.observations(), {
      environment: this.environment, store: () => this.store,
      services: { fetch: async () => services.fetch(), resolveSearchPathEntry: async () => services.resolveSearchPathEntry() },
    });
  }
}

interface Case {
  readonly name: string;
  readonly expression: string;
  prepare?(world: World): void;
  change(world: World): void;
  /** Whether a new evaluation gives another value. */
  readonly differs: boolean;
}

const tree = (world: World) => {
  world.write('tree/a', 'one');
  world.write('tree/inner/b', 'two');
  world.write('tree/ignored', 'x');
};
const addTree = 'builtins.path { path = ./tree; name = "t"; }';
const addFiltered = 'builtins.path { path = ./tree; name = "t"; filter = path: type: baseNameOf path != "ignored" || type != "regular"; }';

const cases: readonly Case[] = [
  { name: 'imported file', expression: 'import ./f', differs: true,
    prepare: (w) => w.write('f', '1'), change: (w) => w.write('f', '22') },
  { name: 'file of the same size and modification time', expression: 'import ./f', differs: true,
    prepare: (w) => { w.write('f', '1'); utimesSync(w.place('f'), 1, 1); }, change: (w) => w.rewriteUnseen('f', '2') },
  { name: 'file under a link', expression: 'builtins.readFile ./l', differs: true,
    prepare: (w) => { w.write('f', '1'); symlinkSync('f', w.place('l')); }, change: (w) => w.write('f', '2') },
  { name: 'link to another file', expression: 'builtins.readFile ./l', differs: true,
    prepare: (w) => { w.write('f', '1'); w.write('g', '2'); symlinkSync('f', w.place('l')); },
    change: (w) => { unlinkSync(w.place('l')); symlinkSync('g', w.place('l')); } },
  { name: 'link in the middle of a path', expression: 'builtins.readFile ./l/f', differs: true,
    prepare: (w) => { w.write('one/f', '1'); w.write('two/f', '2'); symlinkSync('one', w.place('l')); },
    change: (w) => { unlinkSync(w.place('l')); symlinkSync('two', w.place('l')); } },
  { name: 'file replaced by an elder one', expression: 'builtins.readFile ./f', differs: true,
    prepare: (w) => { w.write('f', '1'); w.write('g', '2'); }, change: (w) => renameSync(w.place('g'), w.place('f')) },
  { name: 'file gone, caught', expression: 'if builtins.pathExists ./f then builtins.readFile ./f else "none"', differs: true,
    prepare: (w) => w.write('f', '1'), change: (w) => unlinkSync(w.place('f')) },
  { name: 'file that appears', expression: 'builtins.pathExists ./f', differs: true, change: (w) => w.write('f', '1') },
  { name: 'default.nix that appears in a folder', expression: 'builtins.pathExists ./d/default.nix', differs: true,
    prepare: (w) => w.write('d/other', ''), change: (w) => w.write('d/default.nix', '1') },
  { name: 'name added to a folder', expression: 'builtins.readDir ./d', differs: true,
    prepare: (w) => w.write('d/a', ''), change: (w) => w.write('d/b', '') },
  { name: 'name in a folder becomes a folder', expression: 'builtins.readDir ./d', differs: true,
    prepare: (w) => w.write('d/a', ''), change: (w) => { unlinkSync(w.place('d/a')); mkdirSync(w.place('d/a')); } },
  { name: 'file type', expression: 'builtins.readFileType ./f', differs: true,
    prepare: (w) => w.write('f', ''), change: (w) => { unlinkSync(w.place('f')); mkdirSync(w.place('f')); } },
  { name: 'hash of a file', expression: 'builtins.hashFile "sha256" ./f', differs: true,
    prepare: (w) => w.write('f', '1'), change: (w) => w.write('f', '2') },
  { name: 'variable set', expression: 'builtins.getEnv "V"', differs: true,
    change: (w) => { w.environment['V'] = '1'; } },
  { name: 'variable changed', expression: 'builtins.getEnv "V"', differs: true,
    prepare: (w) => { w.environment['V'] = 'ü'; }, change: (w) => { w.environment['V'] = '2'; } },
  { name: 'file copied into the store', expression: '"${./f}"', differs: true,
    prepare: (w) => w.write('f', '1'), change: (w) => w.write('f', '2') },
  { name: 'file copied into the store becomes executable', expression: '"${./f}"', differs: true,
    prepare: (w) => w.write('f', '1'), change: (w) => chmodSync(w.place('f'), 0o755) },
  { name: 'flat copy', expression: 'builtins.path { path = ./f; recursive = false; }', differs: true,
    prepare: (w) => w.write('f', '1'), change: (w) => w.write('f', '2') },
  { name: 'tree: content', expression: addTree, differs: true, prepare: tree, change: (w) => w.write('tree/inner/b', 'six') },
  { name: 'tree: unseen content', expression: addTree, differs: true,
    prepare: (w) => { tree(w); utimesSync(w.place('tree/inner/b'), 1, 1); },
    change: (w) => w.rewriteUnseen('tree/inner/b', 'six') },
  { name: 'tree: new file', expression: addTree, differs: true, prepare: tree, change: (w) => w.write('tree/inner/c', '') },
  { name: 'tree: file gone', expression: addTree, differs: true, prepare: tree, change: (w) => unlinkSync(w.place('tree/a')) },
  { name: 'tree: link target', expression: addTree, differs: true,
    prepare: (w) => { tree(w); symlinkSync('a', w.place('tree/l')); },
    change: (w) => { unlinkSync(w.place('tree/l')); symlinkSync('b', w.place('tree/l')); } },
  { name: 'filtered tree: content', expression: addFiltered, differs: true, prepare: tree, change: (w) => w.write('tree/a', 'new') },
  { name: 'filtered tree: refused file becomes a folder', expression: addFiltered, differs: true, prepare: tree,
    change: (w) => { unlinkSync(w.place('tree/ignored')); mkdirSync(w.place('tree/ignored')); } },
  { name: 'filter that reads a file', differs: true,
    expression: 'builtins.path { path = ./tree; name = "t"; filter = p: t: baseNameOf p != builtins.readFile ./rule; }',
    prepare: (w) => { tree(w); w.write('rule', 'a'); }, change: (w) => w.write('rule', 'inner') },
  { name: 'fetched tree', expression: '(builtins.fetchGit "https://nowhere.invalid/x").rev', differs: true,
    change: (w) => { w.fetched = { ...w.fetched, attributes: new Map([['rev', '2']]) }; } },
  { name: 'search path entry', expression: 'toString <entry>', differs: true,
    prepare: (w) => { w.write('one/x', ''); w.write('two/x', ''); w.searchPathEntry = w.place('one'); },
    change: (w) => { w.searchPathEntry = w.place('two'); } },
  { name: 'file touched', expression: 'builtins.readFile ./f', differs: false,
    prepare: (w) => w.write('f', '1'), change: (w) => utimesSync(w.place('f'), 5, 5) },
  { name: 'file beside the one that is read', expression: 'import ./d/f', differs: false,
    prepare: (w) => w.write('d/f', '1'), change: (w) => w.write('d/g', '1') },
  { name: 'content of a file that only is there', expression: 'builtins.pathExists ./f', differs: false,
    prepare: (w) => w.write('f', '1'), change: (w) => w.write('f', 'longer') },
  { name: 'other variable', expression: 'builtins.getEnv "V"', differs: false,
    change: (w) => { w.environment['W'] = '1'; } },
  { name: 'tree: refused file', expression: addFiltered, differs: false, prepare: tree,
    change: (w) => w.write('tree/ignored', 'changed') },
  { name: 'tree: touched', expression: addTree, differs: false, prepare: tree,
    change: (w) => utimesSync(w.place('tree/a'), 5, 5) },
];

for (const age of ['rested', 'fresh'] as const) {
  test(`no result of ${age} files is stale, and none is lost without need`, async () => {
    const worlds = cases.map((one, index) => {
      const world = new World(`${age}-${index}`);
      one.prepare?.(world);
      return world;
    });
    if (age === 'rested') await rest(3200);
    for (const [index, { name, expression, change, differs }] of cases.entries()) {
      const world = worlds[index] as World;
      const first = world.evaluate(expression);
      assert(first.trace.isUsable, `${name}: can be asked again`);
      assert(await world.holds(first.trace), `${name}: holds while nothing changes`);
      change(world);
      assert.equal(world.evaluate(expression).value !== first.value, differs, `${name}: the change has the effect it is to have`);
      assert.equal(await world.holds(first.trace), !differs, `${name}: believed`);
      world.store.close();
    }
  });
}

test('changes within one step of the clock are seen', async () => {
  const world = new World('quick');
  const place = world.place('f');
  for (let round = 100; round < 500; round++) {
    world.write('f', `${round}`);
    const trace = new EvaluationTrace();
    trace.file(place, trace.beginReading(place), `${round}`);
    world.write('f', `${round + 400}`);
    assert.equal(await world.holds(trace), false);
  }
  world.store.close();
});

test('a file that changes during the evaluation leaves no result, or one that is not believed', async () => {
  const world = new World('meanwhile');
  world.write('f', '1');
  const seen = world.evaluate('builtins.readFile ./f');
  world.write('f', '2');
  // The same trace goes on, as if the file had been asked for twice.
  seen.trace.file(world.place('f'), undefined, '2');
  assert.equal(seen.trace.isUsable, false);
  world.store.close();
});

test('what was written to the store must be there still', async () => {
  const world = new World('written');
  const { value, trace } = world.evaluate(
    '(derivation { name = "d"; system = "s"; builder = "b"; src = builtins.toFile "t" "text"; }).drvPath');
  assert(await world.holds(trace));
  world.store.close();
  rmSync(world.place('root'), { recursive: true, force: true });
  world.store = new LocalStore({ root: world.place('root') });
  assert.equal(await world.holds(trace), false);
  assert.match(value, /\.drv$/);
  world.store.close();
});

test('what failed and was caught leaves no result', async () => {
  const world = new World('caught');
  world.write('tree/a', '');
  const caught = '(builtins.tryEval "${builtins.path { path = ./tree; filter = _: _: throw "no"; }}").success';
  assert.equal(world.evaluate(caught).value, 'false');
  assert.equal(world.evaluate(caught).trace.isUsable, false);
  world.failing = true;
  assert.equal(world.evaluate('builtins.pathExists ./tree && builtins.tryEval (toString <entry/x>) == { }').trace.isUsable, false);
  world.store.close();
});

test('the clock leaves no result; a path’s validity is asked again', async () => {
  const world = new World('clock');
  assert.equal(world.evaluate('builtins.currentTime').trace.isUsable, false);
  const text = 'builtins.toFile "t" "text"';
  const path = world.evaluate(text).value;
  const { trace } = world.evaluate(`builtins.storePath "${path}"`);
  assert(await world.holds(trace));
  world.store.close();
  rmSync(world.place('root'), { recursive: true, force: true });
  world.store = new LocalStore({ root: world.place('root') });
  assert.equal(await world.holds(trace), false);
  world.store.close();
});
