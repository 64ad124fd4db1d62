/**
 * `nix-instantiate`: evaluates Nix expressions, prints derivations' paths, values, or syntax trees.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { resolve } from 'node:path';
import { encodeUtf8, noProgress } from '#base';
import type { StorePath } from '#formats';
import {
  findFileTask, instantiateTask, parseTask, printTask, runEvaluation, type ChosenStore, type EvaluationRequest, type FoundDerivation,
} from '#host';
import type { CommandContext } from '../context.ts';
import {
  autoArguments, evaluationProgress, evaluationRequest, evaluationStores, expressionSources,
} from './evaluation.ts';
import { buildFlags, commonFlags, evaluationFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { debianEntry, evaluationServices } from './services.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--eval', '--eval-only'], description: 'print the value instead of instantiating derivations' },
  { names: ['--strict'], description: 'evaluate lists and sets to the last element before printing' },
  { names: ['--json'], description: 'print the value as JSON' },
  { names: ['--xml'], description: 'print the value as XML' },
  { names: ['--raw'], description: 'print a string as it is, without a final newline' },
  { names: ['--no-location'], description: 'leave places out of XML' },
  { names: ['--parse', '--parse-only'], description: 'print the syntax tree' },
  { names: ['--find-file'], description: 'print what names in the search path stand for' },
  { names: ['--read-write-mode'], description: 'write to the store even with --eval' },
  { names: ['--dry-run'], description: 'compute the paths of derivations without writing them' },
  { names: ['--add-root'], operands: ['PATH'], description: 'make a link to the derivation and register it as a root' },
  { names: ['--indirect'], description: 'accepted and ignored: every root is indirect' },
  { names: ['--repair'], description: 'accepted for compatibility' },
  { names: ['--no-gc-warning'], description: "do not warn where '--add-root' is not given" },
  ...evaluationFlags.filter(({ names }) => !names.includes('--file')),
  // For builds that evaluation asks for.
  ...buildFlags.filter(({ names }) => !['--dry-run', '--repair', '--check'].includes(names[0])),
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-instantiate', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-instantiate [FLAGS] [FILES | --expr EXPRESSIONS]',
      'Evaluates Nix expressions and prints the paths of the derivations they make.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-instantiate', context, flags);
  const progress = await evaluationProgress(context, flags);
  const services = evaluationServices(flags, context, progress);
  try {
    await dispatch(flags, context, {
      ...evaluationRequest(flags, context, progress), services, lastEntries: [debianEntry],
    });
  } finally {
    await services.close();
    progress.close();
  }
  return 0;
}

async function dispatch(flags: ParsedFlags, context: CommandContext, base: Base): Promise<void> {
  if (flags.has('--find-file')) {
    return runEvaluation({ ...base, task: findFileTask, input: { names: flags.operands.map(encodeUtf8) } });
  }
  const common = {
    sources: expressionSources(flags),
    attributePaths: flags.all('--attr').map(([path = '']) => encodeUtf8(path)),
    autoArguments: autoArguments(flags, context),
  };
  if (flags.has('--parse')) return runEvaluation({ ...base, task: parseTask, input: common });
  return flags.has('--eval') ? evaluate(flags, base, common) : instantiate(flags, context, base, common);
}

type Base = Omit<EvaluationRequest, 'task' | 'input'>;

async function evaluate(flags: ParsedFlags, base: Base, common: object): Promise<void> {
  const form = (['json', 'xml', 'raw'] as const).find((name) => flags.has(`--${name}`)) ?? 'plain';
  const input = {
    ...common, form, strict: flags.has('--strict'), location: !flags.has('--no-location'),
    write: flags.has('--read-write-mode'),
  };
  await runEvaluation({ ...base, task: printTask, input });
}

async function instantiate(flags: ParsedFlags, context: CommandContext, base: Base, common: object): Promise<void> {
  const dryRun = flags.has('--dry-run') || flags.has('--readonly-mode');
  const root = dryRun ? undefined : flags.last('--add-root');
  const input = { ...common, dryRun, refusesBuilds: dryRun, prints: root === undefined };
  const found = await runEvaluation<FoundDerivation[]>({ ...base, task: instantiateTask, input });
  if (!dryRun) await sendToBuilder(flags, context, base, found);
  if (root === undefined) {
    if (!dryRun && !flags.has('--quiet') && !flags.has('--no-gc-warning')) {
      context.stderr.write(
        "warning: you did not specify '--add-root'; the result might be removed by the garbage collector\n");
    }
    return;
  }
  const links = await addRoots(base.store, found.map(({ drvPath }) => drvPath), resolve(context.cwd, root));
  context.stdout.write(found.map(({ output }, index) =>
    `${links[index]}${output === 'out' ? '' : `!${output}`}\n`).join(''));
}

/** Brings the derivations to the store that --store or the environment names, if that is none of ours. */
async function sendToBuilder(
  flags: ParsedFlags, context: CommandContext, base: Base, found: readonly FoundDerivation[],
): Promise<void> {
  if (evaluationStores(flags, context).builder === undefined || found.length === 0) return;
  const { openWorkspace } = await import('./workspace.ts');
  const workspace = openWorkspace(flags, context, base.progress ?? noProgress);
  try {
    await workspace.publish(found.map(({ drvPath }) => drvPath as StorePath));
  } finally {
    await workspace.close();
  }
}

/** Roots called `root`, `root-2`, …; returns their paths. */
async function addRoots(chosen: ChosenStore, drvPaths: readonly string[], root: string): Promise<string[]> {
  const { LocalStore, addIndirectRoot } = await import('#store');
  const store = new LocalStore(chosen);
  try {
    return drvPaths.map((path, index) =>
      addIndirectRoot(store, path as Parameters<typeof addIndirectRoot>[1], index === 0 ? root : `${root}-${index + 1}`));
  } finally {
    store.close();
  }
}
