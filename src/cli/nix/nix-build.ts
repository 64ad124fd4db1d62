/**
 * `nix-build`: evaluates Nix expressions, realises the derivations they make, links the results.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import type { StorePath } from '#formats';
import { instantiateTask, type FoundDerivation, type InstantiateInput } from '#host';
import type { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { severalOutputs } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import type { ClosableProgress } from '../progress/output.ts';
import { withBuildStatus } from './build-status.ts';
import { autoArguments, expressionSources } from './evaluation.ts';
import { buildFlags, commonFlags, evaluationFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { describeMissing, missingText, tellMissing } from './missing.ts';
import { addRoot } from './roots.ts';
import { writeVersion } from './version.ts';
import { openWorkspace } from './workspace.ts';

const table: readonly Flag[] = [
  { names: ['--out-link', '-o'], operands: ['PATH'], description: 'where the link to the result goes (default: ./result)' },
  { names: ['--no-out-link', '--no-link'], description: 'make no link' },
  { names: ['--add-root'], operands: ['PATH'], description: 'as --out-link' },
  { names: ['--indirect'], description: 'accepted and ignored: every root is indirect' },
  { names: ['--drv-link'], operands: ['PATH'], description: 'accepted and ignored' },
  ...evaluationFlags,
  ...buildFlags,
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-build', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-build [FLAGS] [FILES | --expr EXPRESSIONS]',
      'Evaluates Nix expressions, builds the derivations they make, and links to the results.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-build', context, flags);
  const progress = await openCommandProgress(flags, context);
  const workspace = openWorkspace(flags, context, progress);
  try {
    return await build(workspace, flags, context, progress);
  } finally {
    progress.close();
    await workspace.close();
  }
}

async function build(
  workspace: Workspace, flags: ParsedFlags, context: CommandContext, progress: ClosableProgress,
): Promise<number> {
  const { stored, sources } = splitOperands(flags, workspace.store.storeDirectory);
  const input: InstantiateInput = {
    sources,
    attributePaths: flags.all('--attr').map(([path = '']) => encodeUtf8(path)),
    autoArguments: autoArguments(flags, context),
  };
  const evaluated = sources.length === 0 ? []
    : await workspace.evaluate<FoundDerivation[]>(instantiateTask, input);
  const found = [...stored, ...evaluated];
  const wanted = found.map(({ drvPath, output }) => ({ drvPath: drvPath as StorePath, outputs: [output] }));
  if (flags.has('--dry-run')) {
    const { engine, substituters } = workspace;
    if (engine !== undefined) {
      context.stderr.write(missingText(await engine.queryMissing(workspace.store, wanted)));
      return 0;
    }
    context.stderr.write(await describeMissing(workspace.goalStore, wanted, { substituters }));
    return 0;
  }
  await tellMissing(workspace, wanted, progress);
  const realised = await withBuildStatus(() => workspace.realise(wanted));
  const paths = found.map(({ drvPath, output }) => realised.get(drvPath as StorePath)?.get(output) as StorePath);
  progress.close();
  await makeLinks(workspace, flags, context, found, paths);
  context.stdout.write(paths.map((path) => `${path}\n`).join(''));
  return 0;
}

/** Operands that are derivations in the store need no evaluation. */
function splitOperands(flags: ParsedFlags, storeDirectory: string): { stored: FoundDerivation[]; sources: InstantiateInput['sources'] } {
  const isStored = (operand: string) => !flags.has('--expr') && operand.startsWith(`${storeDirectory}/`)
    && /^[^/]+\.drv(![^!]+)?$/.test(operand.slice(storeDirectory.length + 1));
  const stored = flags.operands.filter(isStored).map((operand) => {
    const [drvPath = '', output = 'out'] = operand.split('!');
    if (output.includes(',')) throw severalOutputs(operand);
    return { drvPath, output, attributePath: '' };
  });
  const rest = { ...flags, operands: flags.operands.filter((operand) => !isStored(operand)) };
  return { stored, sources: stored.length > 0 && rest.operands.length === 0 ? [] : expressionSources(rest) };
}

/** `result`, `result-2`, … for the derivations in order; other outputs than `out` say their name. */
async function makeLinks(
  workspace: Workspace, flags: ParsedFlags, context: CommandContext,
  found: readonly FoundDerivation[], paths: readonly StorePath[],
): Promise<void> {
  if (flags.has('--no-out-link') && !flags.has('--out-link')) return;
  const base = resolve(context.cwd, flags.last('--out-link') ?? flags.last('--add-root') ?? 'result');
  const numbers = new Map<string, number>();
  for (const [index, { drvPath, output }] of found.entries()) {
    if (!numbers.has(drvPath)) numbers.set(drvPath, numbers.size + 1);
    const number = numbers.get(drvPath) as number;
    const prefix = number === 1 ? base : `${base}-${number}`;
    const link = output === 'out' ? prefix : `${prefix}-${output}`;
    const path = paths[index] as StorePath;
    addRoot(workspace.target, link, path);
  }
}
