/**
 * The snapshot archive: every state that the Debian archive had, kept for good.
 *
 * It is asked only for what the mirrors have dropped, because it is slow and limits its callers. Its
 * URLs carry a time and serve the state last seen before it. An index is signed a while before it is
 * seen there, so several times after the signature are tried; what comes is believed by hash only.
 */
import type { Mirrors } from './mirrors.ts';
import { encodeUrlPath } from './mirrors.ts';
import type { ArchiveName } from './suites.ts';

const delaysHours = [12, 6, 24, 48, 0];

/** Where a file of the archive may be found as it was soon after `date` (ISO 8601). */
export function snapshotUrls(
  mirrors: Mirrors,
  archive: ArchiveName,
  path: string,
  date: string,
): string[] {
  const { snapshot } = mirrors;
  if (snapshot === undefined) return [];
  return delaysHours.map((hours) => {
    const time = new Date(Date.parse(date) + hours * 3_600_000);
    return `${snapshot}/archive/${archive}/${timestamp(time)}/${encodeUrlPath(path)}`;
  });
}

/** A time in the service's form, `20260912T075541Z`. */
export function timestamp(time: Date): string {
  return time.toISOString().replace(/[-:]|\.\d+/g, '');
}
