/**
 * Firn's evaluator beside `nix-instantiate` on the same nixpkgs tree and expressions.
 *
 *   node bench/evaluation/compare.ts TREE [--nix nix-instantiate] [--rounds N] [--only NAME]
 *
 * TREE is a nixpkgs checkout. What is evaluated imports a file, the user's, which changes. A round
 * runs, in turn: the other program; Firn without any cache of its own (cold); Firn again (unchanged:
 * it is to find that nothing changed); both after the file was changed, with Firn's caches as they are
 * (changed once), and after it was changed again (changed again, changed back: with one setting less).
 * Where what is evaluated is a derivation that matters as a whole, both write it with all it needs
 * into a new store (written), and after two changes into the same store (written, changed …). Every
 * value must be equal on both sides.
 * Printed are the medians over rounds of each side's clock, processor time and peak memory, and the
 * median of the rounds' ratios, Firn by the other. Needs GNU time as /usr/bin/time. Firn keeps no
 * results while its own sources were changed less than three seconds ago: such a run is refused.
 *
 * Stores are not removed before the end: a file system that has just lost many files is slow to make
 * new ones. Written stores take 1.2 GB a round.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  /** The text of the file that the expression imports: at first, and after each change. */
  readonly file: (change: number) => string;
  /** The derivation itself, to be written. */
  readonly written?: string;
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

const file = join(scratch, 'host.nix');

const packageOf = (name: string): Subject => ({
  expression: `((import ${tree} { }).${name}.overrideAttrs (import ${file})).drvPath`,
  file: (change) => (change === 0 ? '_: { }' : `_: { changed = ${change}; }`),
});

const minimal = `${tree}/nixos/modules/installer/cd-dvd/installation-cd-minimal.nix`;
const installer = `(import ${tree}/nixos { configuration = ${file}; }).config.system.build.isoImage`;

/** Another name, a service more, another name, the service gone. */
const hosts: readonly string[] = [
  '',
  'networking.domain = "changed";',
  'networking.domain = "changed"; services.nginx.enable = true;',
  'networking.domain = "again"; services.nginx.enable = true;',
  'networking.domain = "again";',
];

const subjects: Readonly<Record<string, Subject>> = {
  start: { expression: `import ${file}`, file: (change) => `${change}` },
  hello: packageOf('hello'),
  firefox: packageOf('firefox'),
  iso: {
    expression: `${installer}.drvPath`,
    file: (change) => `{ imports = [ ${minimal} ]; ${hosts[change]} }`,
    written: installer,
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
  console.log(`${label.padEnd(34)} ${cells.join('   ')}`);
}

const changes = ['changed once', 'changed again', 'changed a third time', 'changed back'];

function compare(name: string, { expression, file: textOf, written }: Subject): void {
  const phases = new Map<string, Pair[]>();
  const note = (phase: string, pair: Pair): void => {
    phases.set(phase, [...phases.get(phase) ?? [], pair]);
  };
  for (let round = 0; round < rounds; round++) {
    const cache = join(scratch, `cache-${name}-${round}`);
    const ours = [firn, 'nix-instantiate'];
    writeFileSync(file, textOf(0));
    const theirs = measure([values.nix], expression, cache);
    note('cold', [measure(ours, expression, cache), theirs]);
    note('unchanged', [measure(ours, expression, cache), theirs]);
    changes.forEach((phase, i) => {
      writeFileSync(file, textOf(i + 1));
      note(phase, [measure(ours, expression, cache), measure([values.nix], expression, cache)]);
    });
    if (written === undefined) continue;
    const stores = ['ours', 'theirs'].map((side) => join(scratch, `store-${name}-${round}-${side}`));
    const write = (): Pair => [
      measure(ours, written, `${cache}-written`, stores[0]), measure([values.nix], written, cache, stores[1]),
    ];
    ['written', ...changes.slice(0, 3).map((phase) => `written, ${phase}`)].forEach((phase, i) => {
      writeFileSync(file, textOf(i));
      note(phase, write());
    });
  }
  for (const [phase, pairs] of phases) {
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
