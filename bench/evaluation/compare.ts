/**
 * Firn's evaluator beside `nix-instantiate` on the same nixpkgs tree and expressions.
 *
 *   node bench/evaluation/compare.ts TREE [--nix-instantiate PATH] [--rounds N] [--only NAME]
 *
 * TREE is a nixpkgs checkout. Each round runs both sides in turn: Firn without any cache of its own
 * (cold), again with what the first run left (warm), and the other. Printed are the medians of
 * processor time and peak memory and their ratios, Firn by the other; the values must be equal.
 * Needs GNU time as /usr/bin/time.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

interface Measurement {
  readonly value: string;
  readonly seconds: number;
  readonly clock: number;
  readonly peakMegabytes: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'nix-instantiate': { type: 'string', default: 'nix-instantiate' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const tree = resolve(positionals[0] ?? '.');
const firn = new URL('../../firn', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'firn-bench-'));

const programs: Readonly<Record<string, string>> = {
  hello: `(import ${tree} { }).hello.drvPath`,
  firefox: `(import ${tree} { }).firefox.drvPath`,
  iso:
    `(import ${tree}/nixos { configuration = ` +
    `${tree}/nixos/modules/installer/cd-dvd/installation-cd-minimal.nix; })` +
    '.config.system.build.isoImage.drvPath',
};

function measure(command: readonly string[], environment: Record<string, string>): Measurement {
  const report = join(scratch, 'time');
  const result = spawnSync(
    '/usr/bin/time',
    ['-o', report, '-f', '%U %S %e %M', ...command],
    { env: { ...process.env, ...environment }, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (result.status !== 0) throw new Error(`${command[0]} failed: ${result.stderr}`);
  const [user, system, clock, peak] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  return {
    value: result.stdout.trim(),
    seconds: user! + system!,
    clock: clock!,
    peakMegabytes: peak! / 1024,
  };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
}

function line(label: string, ours: readonly Measurement[], theirs: readonly Measurement[]): void {
  const cells = (['seconds', 'clock', 'peakMegabytes'] as const).map((field) => {
    const a = median(ours.map((m) => m[field]));
    const b = median(theirs.map((m) => m[field]));
    return `${field} ${a.toFixed(2)} / ${b.toFixed(2)} = ${(a / b).toFixed(2)}`;
  });
  console.log(`${label.padEnd(16)} ${cells.join('   ')}`);
}

try {
  for (const [name, program] of Object.entries(programs)) {
    if (values.only !== undefined && values.only !== name) continue;
    const cold: Measurement[] = [];
    const warm: Measurement[] = [];
    const theirs: Measurement[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const environment = {
        XDG_CACHE_HOME: join(scratch, `cache-${name}-${round}`),
        XDG_DATA_HOME: join(scratch, 'data'),
      };
      const ours = [firn, 'nix-instantiate', '--eval', '-E', program];
      cold.push(measure(ours, environment));
      warm.push(measure(ours, environment));
      theirs.push(measure([values['nix-instantiate'], '--eval', '-E', program], {}));
    }
    const different = [...cold, ...warm].find((m) => m.value !== theirs[0]!.value);
    if (different !== undefined) {
      throw new Error(`${name}: ${different.value} is not ${theirs[0]!.value}`);
    }
    line(`${name} cold`, cold, theirs);
    line(`${name} warm`, warm, theirs);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
