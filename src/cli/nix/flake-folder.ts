/** Where the files of a flake are that its user works on: its folder, or the top of its repository. */

import { decodeUtf8, encodeUtf8 } from '#base';
import { parseUrl, urlPathToFile } from '#runtime';
import type { CommandSession } from './command.ts';
import { runFlakeTask } from './commands/flake.ts';

/** Undefined for a flake of which there is only what was fetched. */
export async function folderOfFlake(session: CommandSession, flake: string): Promise<string | undefined> {
  const { report } = await runFlakeTask(session, flake, { kind: 'metadata' }, { mayWrite: false }, { quiet: true });
  return workFolder(report!.metadata.resolved);
}

/** The same, of a reference's attributes. */
export function workFolder({ type, path, url, ref, rev }: Readonly<Record<string, unknown>>): string | undefined {
  if (type === 'path') return String(path);
  if (type !== 'git' || ref !== undefined || rev !== undefined) return undefined;
  const place = parseUrl(encodeUtf8(String(url)));
  return place.scheme === 'file' ? decodeUtf8(urlPathToFile(place.path)) : undefined;
}
