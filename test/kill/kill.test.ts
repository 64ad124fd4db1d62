/**
 * Killing a process that works on a store, at random instants: afterwards all that is registered is
 * there with the hash that the database says, C++ Nix finds so too where it is installed, what each
 * operation promises holds, and the next run does the work to its end.
 *
 * FIRN_TEST_KILLS says how many kills in all, FIRN_TEST_KILL_SEED where the sequence of instants
 * begins, FIRN_TEST_KILL_OPERATION names one operation.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteTree, LocalStore, verifyStore } from '#store';
import { hasProgram } from '../support/foreign.ts';
import { commandOperations } from './commands.ts';
import { operations as storeOperations, prepareShared, type Operation, type Workplace } from './operations.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-kill-'));
chmodSync(scratch, 0o755);
const shared = join(scratch, 'shared');
before(() => prepareShared(shared));
after(() => { deleteTree(scratch); });

const operations: Readonly<Record<string, Operation>> = { ...storeOperations, ...commandOperations };
const childFile = new URL('./child.ts', import.meta.url).pathname;
const chosen = process.env['FIRN_TEST_KILL_OPERATION'];
const names = Object.keys(operations).filter((name) => chosen === undefined || name === chosen);
const isWithNix = hasProgram('nix-store');
const kills = Math.ceil(Number(process.env['FIRN_TEST_KILLS'] ?? 9) / names.length);
const seed = Number(process.env['FIRN_TEST_KILL_SEED'] ?? 42);
/** So often a unit is killed before it may be done. */
const killsOfUnit = 3;

/** A repeatable sequence of numbers below 1. */
function* fractions(start: number): Generator<number, never> {
  for (let state = start; ;) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    yield (state >> 8) / 0x800000;
  }
}

/** Starts the work in a group of processes of its own; it is at it when this returns. */
async function start(name: string, { folder, unit }: Workplace): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', childFile, name, folder, shared, String(unit)], {
    stdio: ['ignore', 'pipe', 'inherit'], detached: true,
  });
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  return child;
}

async function finish(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function verify(place: Workplace, name: string): Promise<void> {
  const root = join(place.folder, 'root');
  const store = new LocalStore({ root });
  assert.deepEqual((await verifyStore(store, { checkContents: true })).problems, []);
  for (const path of store.allValidPaths()) store.closureOf([path]);
  store.close();
  if (isWithNix) {
    const { status, stderr } = spawnSync('nix-store', ['--store', root, '--verify', '--check-contents'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /modified|disappeared|error/);
  }
  operations[name]?.check?.(place);
}

/** Does a unit to its end; gives how long that takes. */
async function complete(name: string, place: Workplace): Promise<number> {
  const child = await start(name, place);
  const started = performance.now();
  await finish(child);
  assert.deepEqual([child.exitCode, child.signalCode], [0, null], `unit ${place.unit} ends well`);
  await verify(place, name);
  return performance.now() - started;
}

for (const [index, name] of names.entries()) {
  test(`${name}, killed ${kills} times`, { skip: operations[name]?.skip ?? false }, async (context) => {
    const random = fractions(seed + index);
    const folder = join(scratch, String(index));
    mkdirSync(folder);
    const place = (unit: number): Workplace => ({ folder, shared, unit });
    let duration = await complete(name, place(0));
    let killedAtWork = 0;
    for (let kill = 0; kill < kills; kill++) {
      const unit = 1 + Math.floor(kill / killsOfUnit);
      const child = await start(name, place(unit));
      await sleep(random.next().value * duration);
      if (child.exitCode === null) killedAtWork += 1;
      // The process alone, as its user may, or with all it has started, as a machine that stops.
      const all = random.next().value < 0.5 || operations[name]?.inGroup === true;
      try {
        process.kill(all ? -(child.pid as number) : child.pid as number, 'SIGKILL');
      } catch {
        // It has come to its end.
      }
      await finish(child);
      try {
        await verify(place(unit), name);
        if ((kill + 1) % killsOfUnit === 0 || kill === kills - 1) duration = await complete(name, place(unit));
      } catch (error) {
        throw new Error(`after kill ${kill} (seed ${seed}) of '${name}' in unit ${unit}`, { cause: error });
      }
    }
    context.diagnostic(`${killedAtWork} of ${kills} while at work`);
    if (kills >= 6) assert.ok(killedAtWork * 3 > kills, `only ${killedAtWork} of ${kills} were killed while at work`);
  });
}
