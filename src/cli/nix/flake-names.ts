/** References to flakes as command lines have them, read without looking whether anything is there. */

import { resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import type { RegistryEntry } from '#host';
import { parseReference, type FlakeReference } from '#runtime';
import type { CommandContext } from '../context.ts';
import type { ParsedFlags } from './flags.ts';

export function readReference(text: string, context: CommandContext): FlakeReference {
  const settings = {
    requireFeature: () => {}, trustForges: true, warn: (warning: string) => { context.stderr.write(`warning: ${warning}\n`); },
  };
  const baseDirectory = encodeUtf8(context.cwd);
  // A path is not looked at: a registry may name what is not there yet.
  const absolute = /^\.{0,2}\//.test(text) ? resolve(context.cwd, text) : text;
  return parseReference(encodeUtf8(absolute), settings, { baseDirectory, allowMissing: true });
}

/** What `--override-flake` lets names stand for. */
export function overriddenFlakes(flags: ParsedFlags, context: CommandContext): RegistryEntry[] {
  return flags.all('--override-flake').map(([name = '', flake = '']) => {
    const { input, directory } = readReference(flake, context);
    return { from: readReference(name, context).input, to: input, directory, isExact: false };
  });
}
