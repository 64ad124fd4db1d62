/** `nix registry …`: which flakes short names stand for. */

import { resolve } from 'node:path';
import { assert, decodeUtf8, encodeUtf8 } from '#base';
import { changeRegistry, flakeRegistries, type FlakeTaskResult } from '#host';
import {
  inputToUrl, printReference, withAttributes, type FlakeReference,
  type FetchAttribute, type Input,
} from '#runtime';
import { usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { flakeFlags } from '../flake-flags.ts';
import { readReference } from '../flake-names.ts';
import type { Flag } from '../flags.ts';
import { runFlakeTask } from './flake.ts';

const registryFlag: Flag = {
  names: ['--registry'], operands: ['FILE'], description: "the registry to change (default: the user's own)",
};

export const registryCommands = {
  list: defineCommand({
    name: 'nix registry list',
    summary: 'Lists what the flake registries say.',
    async run(session) {
      for (const { kind, entries } of await flakeRegistries(session.workspace().fetchOptions())) {
        for (const { from, to, directory } of entries) {
          const target = printReference({ input: to, directory });
          session.print(decodeUtf8(`${kind.padEnd(6)} ${inputToUrl(from)} ${target}`));
        }
      }
    },
  }),
  add: defineCommand({
    name: 'nix registry add',
    operands: 'NAME FLAKE',
    summary: 'Makes a name stand for a flake.',
    flags: [registryFlag],
    async run(session) {
      const [from, to] = references(session, 2);
      await change(session, from!.input, to!);
    },
  }),
  remove: defineCommand({
    name: 'nix registry remove',
    operands: 'NAME',
    summary: 'Removes a name from a registry.',
    flags: [registryFlag],
    async run(session) {
      await change(session, references(session, 1)[0]!.input, undefined);
    },
  }),
  pin: defineCommand({
    name: 'nix registry pin',
    operands: 'NAME [FLAKE]',
    summary: 'Makes a name stand for the revision that a flake has now.',
    flags: [registryFlag, ...flakeFlags],
    async run(session) {
      const [name = '', flake = name] = session.flags.operands;
      const [from] = references(session, 1);
      const locked = (await report(session, flake)).locked;
      const attributes = new Map(Object.entries(locked).map(([key, value]): [string, FetchAttribute] =>
        [encodeUtf8(key), typeof value === 'string' ? encodeUtf8(value) : value]));
      const directory = String(attributes.get('dir') ?? '');
      const input = withAttributes(attributes, { dir: undefined, __final: undefined });
      await change(session, from!.input, { input, directory });
    },
  }),
  resolve: defineCommand({
    name: 'nix registry resolve',
    operands: 'FLAKES',
    summary: 'Prints what flake references stand for.',
    flags: flakeFlags,
    async run(session) {
      for (const flake of session.flags.operands) session.print((await report(session, flake)).resolvedUrl);
    },
  }),
};

function references({ flags, context, name }: CommandSession, count: number): FlakeReference[] {
  if (flags.operands.length < count) throw usageError(`${name} needs ${count} operands`, name);
  return flags.operands.slice(0, count).map((text) => readReference(text, context));
}

async function report(session: CommandSession, flake: string): Promise<NonNullable<FlakeTaskResult['report']>['metadata']> {
  const { report: found } = await runFlakeTask(session, flake, { kind: 'metadata' }, { mayWrite: false });
  assert(found !== undefined, 'metadata is what was asked for');
  return found.metadata;
}

async function change(session: CommandSession, from: Input, to: FlakeReference | undefined): Promise<void> {
  const { flags, context } = session;
  const chosen = flags.last('--registry');
  const file = chosen === undefined ? undefined : resolve(context.cwd, chosen);
  await changeRegistry(file, context.env, from, to === undefined ? undefined : { to: to.input, directory: to.directory });
}
