/** `nix flake …`: makes and renews lock files, and tells what a flake is and has. */

import { encodeUtf8 } from '#base';
import {
  flakeTask, type FlakeLockFlags, type FlakeReport, type FlakeTaskInput, type FlakeTaskResult,
} from '#host';
import { usageError } from '../../errors.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { evaluationFlags } from '../evaluation-flags.ts';
import { currentSystem, flakeFlags, flakeLockFlags } from '../flake-flags.ts';
import type { Flag } from '../flags.ts';

/** What all commands on flakes take. */
export const flakeCommandFlags: readonly Flag[] = [
  ...flakeFlags,
  ...evaluationFlags.filter(({ names }) =>
    ['-I', '--override-flake', '--eval-store', '--impure', '--show-trace'].includes(names[0])),
];
const withoutFlags = (...names: string[]) => flakeCommandFlags.filter((flag) => !names.includes(flag.names[0]));

/** What is downloaded is asked for anew. */
const refreshed = { settings: [['tarball-ttl', '0']] } as const;

export const flakeCommands = {
  lock: defineCommand({
    name: 'nix flake lock',
    operands: '[FLAKE]',
    summary: 'Makes missing entries of the lock file of a flake.',
    flags: withoutFlags('--no-write-lock-file'),
    async run(session) {
      await runFlakeTask(session, flakeOperand(session), { kind: 'lock' }, { mayWrite: true, failOnUnlocked: true }, refreshed);
    },
  }),
  update: defineCommand({
    name: 'nix flake update',
    operands: '[INPUTS]',
    summary: 'Locks inputs of a flake anew: all, or those that are named.',
    flags: [
      { names: ['--flake'], operands: ['FLAKE'], description: 'the flake (default: the current folder)' },
      ...withoutFlags('--no-update-lock-file', '--no-write-lock-file'),
    ],
    async run(session) {
      const { flags } = session;
      const updates = flags.operands.map(encodeUtf8);
      if (updates.includes('')) {
        throw usageError('input path to be updated cannot be zero-length; it would refer to the flake itself, not an input', 'nix flake update');
      }
      await runFlakeTask(
        session, flags.last('--flake') ?? '.', { kind: 'lock' },
        { mayWrite: true, recreate: updates.length === 0, updates: [...flakeLockFlags(flags).updates ?? [], ...updates] },
        refreshed);
    },
  }),
  metadata: defineCommand({
    name: 'nix flake metadata',
    operands: '[FLAKE]',
    summary: 'Tells where a flake is, which revision it has, and what its inputs are.',
    flags: [...jsonFlags, ...flakeCommandFlags],
    async run(session) {
      const { report } = await runFlakeTask(session, flakeOperand(session), { kind: 'metadata' });
      if (session.flags.has('--json')) session.printJson(report!.metadata);
      else for (const line of metadataLines(report!)) session.print(line);
    },
  }),
  show: defineCommand({
    name: 'nix flake show',
    operands: '[FLAKE]',
    summary: 'Shows what a flake has.',
    flags: [
      { names: ['--all-systems'], description: 'show the outputs for all systems' },
      { names: ['--legacy'], description: 'show what is in legacyPackages' },
      ...jsonFlags, ...flakeCommandFlags,
    ],
    async run(session) {
      const { flags, context } = session;
      const system = flags.has('--all-systems') ? undefined : encodeUtf8(currentSystem(flags, context));
      const { shown } = await runFlakeTask(
        session, flakeOperand(session), { kind: 'show', system, legacy: flags.has('--legacy') }, {},
        { settings: [['allow-import-from-derivation', 'false']] });
      if (flags.has('--json')) session.printJson(shown!.json);
      else for (const line of shown!.lines) session.print(line);
    },
  }),
};

/** The only operand; the current folder without one. */
export function flakeOperand({ flags, name }: CommandSession): string {
  const [flake = '.', another] = flags.operands;
  if (another !== undefined) throw usageError(`'${another}' is one operand too many`, name);
  return flake;
}

export interface FlakeTaskOptions {
  /** Of the command itself. */
  readonly settings?: readonly (readonly [name: string, value: string])[];
  readonly quiet?: boolean;
}

/** What the task finds out; it warns while it runs. */
export async function runFlakeTask(
  session: CommandSession, reference: string, action: FlakeTaskInput['action'], lock: FlakeLockFlags = {},
  { settings = [], quiet = false }: FlakeTaskOptions = {},
): Promise<FlakeTaskResult> {
  const progress = await session.openProgress();
  const input: FlakeTaskInput = {
    reference: encodeUtf8(reference), lock: { ...flakeLockFlags(session.flags), ...lock }, action,
  };
  const purity = session.flags.has('--impure') ? [] : [['pure-eval', 'true'] as const];
  const result = await session.workspace().evaluate<FlakeTaskResult>(
    flakeTask, input, { quiet, settingOverrides: [...purity, ...settings] });
  progress.close();
  return result;
}

function metadataLines({ metadata, isLocked, inputs }: FlakeReport): string[] {
  const rows: (readonly [string, string | number | undefined])[] = [
    ['Resolved URL:', metadata.resolvedUrl],
    ['Locked URL:', isLocked ? metadata.url : undefined],
    ['Description:', metadata.description],
    ['Path:', metadata.path],
    ['Revision:', metadata.revision],
    ['Revision:', metadata.dirtyRevision],
    ['Revisions:', metadata.revCount],
    ['Last modified:', metadata.lastModified === undefined ? undefined : localTime(metadata.lastModified)],
    ['Fingerprint:', metadata.fingerprint],
  ];
  const lines = rows.filter(([, value]) => value !== undefined).map(([name, value]) => `${name.padEnd(14)} ${value}`);
  return inputs.length === 0 ? lines : [...lines, 'Inputs:', ...inputs];
}

/** `2026-11-22 20:15:00` on this machine's clock. */
function localTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
