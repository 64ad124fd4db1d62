/** `nix-env --query`: lists packages. */

import { encodeUtf8 } from '#base';
import { queryPackagesTask, runEvaluation, type PackageQuery, type StatusQuestion } from '#host';
import { usageError } from '../errors.ts';
import { pathStatus } from './env-change.ts';
import { packageSource, type EnvironmentCommand } from './env-command.ts';
import { evaluationRequest, messagesOnly } from './evaluation.ts';
import { indentJson } from './indent-json.ts';
import { debianEntry } from './services.ts';
import { openWorkspace } from './workspace.ts';

export async function queryEnvironment(command: EnvironmentCommand): Promise<number> {
  const { flags, context } = command;
  const query = queryOf(command);
  const progress = messagesOnly(context, flags);
  const workspace = openWorkspace(flags, context, progress);
  try {
    const json = await runEvaluation<string | undefined>({
      ...evaluationRequest(flags, context, progress),
      lastEntries: [debianEntry],
      services: {
        ...workspace.services,
        converse: (question) => pathStatus((question as StatusQuestion).paths, workspace),
      },
      task: queryPackagesTask,
      input: query,
    });
    if (json !== undefined) context.stdout.write(Buffer.from(`${indentJson(json)}\n`, 'latin1'));
    return 0;
  } finally {
    await workspace.close();
  }
}

function queryOf(command: EnvironmentCommand): PackageQuery {
  const { flags, context, profile } = command;
  const from = flags.has('--available') ? 'available' : 'installed';
  if (flags.has('--attr-path') && from === 'installed') {
    throw usageError('--attr-path(-P) only works with --available', 'nix-env');
  }
  return {
    from,
    source: { ...packageSource(command, []), kind: 'names' },
    operands: flags.operands.map(encodeUtf8),
    attributePath: encodeUtf8(from === 'available' ? flags.last('--attr') ?? '' : ''),
    profile: encodeUtf8(profile),
    form: flags.has('--json') ? 'json' : flags.has('--xml') ? 'xml' : 'table',
    shown: {
      status: flags.has('--status'),
      name: !flags.has('--no-name'),
      attributePath: flags.has('--attr-path'),
      system: flags.has('--system'),
      drvPath: flags.has('--drv-path'),
      outPath: flags.has('--out-path'),
      description: flags.has('--description'),
      meta: flags.has('--meta'),
      compareVersions: flags.has('--compare-versions'),
    },
    prebuiltOnly: flags.has('--prebuilt-only'),
    color: context.stdout.isTTY === true && context.color,
  };
}
