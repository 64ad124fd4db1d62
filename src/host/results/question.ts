/**
 * What an evaluation is asked, as a key: all that decides its result beside what it sees of the
 * world, the program itself among it.
 *
 * The environment is not part of it but of the trace, variable by variable.
 */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeUtf8, sha256Hex } from '#base';
import { packUse } from '#program';
import type { NixSettings } from '../settings.ts';
import type { ThreadInput } from '../worker/protocol.ts';
import { isSettled, stateOf, statusAt } from './file-state.ts';

/** What the thread is started with that no result depends on but as the trace and the settings say. */
type Means = 'environment' | 'settingOverrides' | 'cacheDirectory' | 'port' | 'wake' | 'program' | 'revision'
  | 'sharedHeap';

/** The question's key, by a digest of the program and the settings in force. */
export function questionKey(
  program: string, input: Omit<ThreadInput, Means> & Partial<ThreadInput>, settings: NixSettings,
): string {
  const means: ReadonlySet<string> = new Set<Means>([
    'environment', 'settingOverrides', 'cacheDirectory', 'port', 'wake', 'program', 'revision', 'sharedHeap',
  ]);
  // All that is not known to be without effect is part of the question, also what is added later.
  const question = Object.entries({ ...input, task: input.task.replace(/^.*\//, '') })
    .filter(([name]) => !means.has(name)).sort(([one], [other]) => (one < other ? -1 : 1));
  return sha256Hex(encodeUtf8(JSON.stringify([program, question, settings.entries()])));
}

const sources = fileURLToPath(new URL('../../', import.meta.url));
const lockFile = fileURLToPath(new URL('../../../package-lock.json', import.meta.url));

/**
 * What tells this program from others: the pack that it comes from, or a digest of its own files by
 * their states. None if one of them was changed after this process may have loaded it, or only just
 * before: then nobody knows which program this is.
 */
export function programDigest(): string | undefined {
  const pack = packUse.packInUse();
  if (pack !== undefined) return `${process.version} ${process.arch} ${pack}`;
  const started = BigInt(Math.floor(performance.timeOrigin));
  const lines: string[] = [`${process.version} ${process.arch}`];
  for (const file of [lockFile, ...sourceFiles(sources)]) {
    const status = statusAt(file);
    if (status === undefined) continue;
    if (status.ctimeMs >= started || !isSettled(status, file)) return undefined;
    lines.push(`${file} ${stateOf(status)}`);
  }
  return sha256Hex(encodeUtf8(lines.join('\n')));
}

/**
 * Whether Firn was this one all the time. A program that changed meanwhile may have been loaded in
 * part before and in part after; and what was loaded beside the pack is not told by its name.
 */
export function isStillProgram(digest: string): boolean {
  return programDigest() === digest && !packUse.hasOthers();
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sourceFiles(`${folder}${entry.name}/`) : /\.c?[jt]s$/.test(entry.name) ? [folder + entry.name] : []);
}
