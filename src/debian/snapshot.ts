/**
 * The snapshot archive: every state that the Debian archive had, kept for good.
 *
 * It is asked only for what the mirrors have dropped, because it is slow and limits its callers. Its
 * URLs carry a time and serve the state last seen before it. An index is signed a while before it is
 * seen there, so several times after the signature are tried; what comes is believed by hash only.
 */
import { UserError } from '#base';
import type { Mirrors } from './mirrors.ts';
import { encodeUrlPath } from './mirrors.ts';
import type { ArchiveName } from './suites.ts';

/** When, after an index was signed, to look for it; a package file is there early and stays. */
const indexDelaysHours = [12, 6, 24, 48, 0];
const fileDelaysHours = [12, 0];

/** Where a file of the archive may be found as it was soon after `date` (ISO 8601). */
export function snapshotUrls(
  mirrors: Mirrors,
  archive: ArchiveName,
  path: string,
  date: string,
): string[] {
  const { snapshot } = mirrors;
  if (snapshot === undefined) return [];
  const delays = path.startsWith('dists/') ? indexDelaysHours : fileDelaysHours;
  return delays.map((hours) => {
    const time = new Date(Date.parse(date) + hours * 3_600_000);
    return `${snapshot}/archive/${archive}/${timestamp(time)}/${encodeUrlPath(path)}`;
  });
}

/** A time in the service's form, `20260912T075541Z`. */
export function timestamp(time: Date): string {
  return time.toISOString().replace(/[-:]|\.\d+/g, '');
}

/**
 * Where a package file may be found by the service's own index, which knows binary packages by
 * name and full version. `read` fetches a small answer; whatever goes wrong means no URLs.
 */
export async function snapshotFileUrls(
  mirrors: Mirrors,
  path: string,
  version: string,
  read: (url: string) => Promise<Uint8Array>,
): Promise<string[]> {
  const { snapshot } = mirrors;
  const fileName = path.replace(/.*\//, '');
  const name = fileName.replace(/_.*/, '');
  if (snapshot === undefined || name === fileName) return [];
  const query = `${snapshot}/mr/binary/${encodeUrlPath(name)}/${encodeUrlPath(version)}/binfiles?fileinfo=1`;
  try {
    const answer = JSON.parse(Buffer.from(await read(query)).toString('utf8')) as {
      fileinfo?: Record<string, { name?: string }[]>;
    };
    return Object.entries(answer.fileinfo ?? {})
      .filter(([hash, files]) => /^[0-9a-f]{40}$/.test(hash) && files.some((file) => file.name === fileName))
      .map(([hash]) => `${snapshot}/file/${hash}`);
  } catch (error) {
    if (error instanceof UserError || error instanceof SyntaxError) return [];
    throw error;
  }
}
