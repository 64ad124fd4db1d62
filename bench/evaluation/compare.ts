/**
 * Firn's evaluator beside `nix-instantiate` on the same nixpkgs tree and expressions.
 *
 *   node bench/evaluation/compare.ts TREE [--nix nix-instantiate] [--rounds N] [--only NAME]
 *
 * TREE is a nixpkgs checkout. A round runs, in turn: the other program; Firn without any cache of
 * its own (cold); Firn again (unchanged: it is to find that nothing changed); both on a changed
 * expression that neither has seen, with Firn's caches as they are (changed). Where what is evaluated
 * is a derivation that matters as a whole, both write it with all it needs into a new store (written),
 * and the changed one into the same store (written, changed). Every value must be equal on both sides.
 * Printed are the medians over rounds of each side's clock, processor time and peak memory, and the
 * median of the rounds' ratios, Firn by the other. Needs GNU time as /usr/bin/time. Firn keeps no
 * results while its own sources were changed less than three seconds ago: such a run is refused.
 *
 * Stores are not removed before the end: a file system that has just lost many files is slow to make
 * new ones. Written stores take 1.2 GB a round.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

interface Measurement {
  readonly value: string;
  readonly clock: number;
  readonly processor: number;
  readonly peakMegabytes: number;
}

/** Firn, then the other. */
type Pair = readonly [Measurement, Measurement];

interface Subject {
  readonly expression: string;
  /** Another expression over the same files, new in each round; absent: only cold and unchanged. */
  readonly changed?: (round: number) => string;
  /** The derivation itself, to be written: in the same state as `expression`, or as `changed`. */
  readonly written?: (round?: number) => string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nix: { type: 'string', default: 'nix-instantiate' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (positionals.length !== 1 || !(rounds >= 1)) {
  console.error('usage: node bench/evaluation/compare.ts TREE [--nix PROGRAM] [--rounds N] [--only NAME]');
  process.exit(1);
}
const tree = resolve(positionals[0] as string);
const firn = new URL('../../firn', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'firn-bench-'));

const packageOf = (name: string): Subject => ({
  expression: `(import ${tree} { }).${name}.drvPath`,
  changed: (round) => `((import ${tree} { }).${name}.overrideAttrs { changed = ${round}; }).drvPath`,
});

function installer(more: string): string {
  const minimal = `${tree}/nixos/modules/installer/cd-dvd/installation-cd-minimal.nix`;
  return `(import ${tree}/nixos { configuration = { imports = [ ${minimal} ]; ${more} }; })`
    + '.config.system.build.isoImage';
}

const otherHost = (round: number): string => `networking.domain = "changed${round}"; services.nginx.enable = true;`;

const subjects: Readonly<Record<string, Subject>> = {
  start: { expression: '1', changed: (round) => `${round + 2}` },
  hello: packageOf('hello'),
  firefox: packageOf('firefox'),
  iso: {
    expression: `${installer('')}.drvPath`,
    changed: (round) => `${installer(otherHost(round))}.drvPath`,
    written: (round) => installer(round === undefined ? '' : otherHost(round)),
  },
};

function measure(program: readonly string[], expression: string, cache: string, store?: string): Measurement {
  const report = join(scratch, 'time');
  const result = spawnSync(
    '/usr/bin/time',
    [
      '-o', report, '-f', '%U %S %e %M', ...program,
      ...(store === undefined ? ['--eval'] : ['--store', store]), '-E', expression,
    ],
    {
      env: { ...process.env, XDG_CACHE_HOME: cache, XDG_DATA_HOME: join(scratch, 'data') },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  if (result.status !== 0) throw new Error(`${program[0]} failed: ${result.stderr}`);
  const [user, system, clock, peak] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  return { value: result.stdout.trim(), clock: clock!, processor: user! + system!, peakMegabytes: peak! / 1024 };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function report(label: string, pairs: readonly Pair[]): void {
  const cells = (['clock', 'processor', 'peakMegabytes'] as const).map((field) => {
    const [ours, theirs] = [0, 1].map((side) => median(pairs.map((pair) => pair[side]![field])));
    const ratio = median(pairs.map(([one, other]) => one[field] / other[field]));
    return `${field} ${ours!.toFixed(2)} / ${theirs!.toFixed(2)} = ${ratio.toFixed(2)}`;
  });
  console.log(`${label.padEnd(22)} ${cells.join('   ')}`);
}

function compare(name: string, { expression, changed, written }: Subject): void {
  const phases = {
    cold: [] as Pair[], unchanged: [] as Pair[], changed: [] as Pair[],
    written: [] as Pair[], 'written, changed': [] as Pair[],
  };
  for (let round = 0; round < rounds; round++) {
    const cache = join(scratch, `cache-${name}-${round}`);
    const ours = [firn, 'nix-instantiate'];
    const theirs = measure([values.nix], expression, cache);
    phases.cold.push([measure(ours, expression, cache), theirs]);
    phases.unchanged.push([measure(ours, expression, cache), theirs]);
    if (changed !== undefined) {
      const text = changed(round);
      phases.changed.push([measure(ours, text, cache), measure([values.nix], text, cache)]);
    }
    if (written !== undefined) {
      const stores = ['ours', 'theirs'].map((side) => join(scratch, `store-${name}-${round}-${side}`));
      const write = (text: string): Pair => [
        measure(ours, text, `${cache}-written`, stores[0]), measure([values.nix], text, cache, stores[1]),
      ];
      phases.written.push(write(written()));
      phases['written, changed'].push(write(written(round)));
    }
  }
  for (const [phase, pairs] of Object.entries(phases)) {
    if (pairs.length === 0) continue;
    const wrong = pairs.find(([one, other]) => one.value !== other.value);
    if (wrong !== undefined) throw new Error(`${name}: ${wrong[0].value} is not ${wrong[1].value}`);
    report(`${name} ${phase}`, pairs);
  }
}

/** Whether Firn keeps results at all; else what is called unchanged would be evaluated again. */
function requireKeptResults(): void {
  const cache = join(scratch, 'cache-probe');
  measure([firn, 'nix-instantiate'], '0', cache);
  if (!existsSync(join(cache, 'firn/results'))) {
    throw new Error('Firn keeps no results here: its sources were changed a moment ago, or change times are not kept');
  }
}

try {
  requireKeptResults();
  console.log(`load before: ${loadavg().map((load) => load.toFixed(1)).join(' ')}`);
  for (const [name, subject] of Object.entries(subjects)) {
    if (values.only === undefined || values.only === name) compare(name, subject);
  }
  console.log(`load after: ${loadavg().map((load) => load.toFixed(1)).join(' ')}`);
} finally {
  // Folders of a store may not be written to.
  spawnSync('chmod', ['-R', 'u+w', scratch]);
  rmSync(scratch, { recursive: true, force: true });
}
