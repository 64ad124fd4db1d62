/** Words and figures of progress: verbs for kinds of work, sizes, rates, durations. */

import type { ActivityKind } from '#base';
import type { Tally } from './meter.ts';

const verbs: Record<ActivityKind, readonly [running: string, past: string]> = {
  evaluate: ['evaluating', 'evaluated'],
  download: ['downloading', 'downloaded'],
  unpack: ['unpacking', 'unpacked'],
  build: ['building', 'built'],
  compress: ['compressing', 'compressed'],
  write: ['writing', 'wrote'],
  copy: ['copying', 'copied'],
  verify: ['verifying', 'verified'],
  wait: ['waiting', 'waited'],
};

export const runningVerb = (kind: ActivityKind) => verbs[kind][0];
export const pastVerb = (kind: ActivityKind) => verbs[kind][1];

/** Decimal units, as disks, networks and `ls --si` count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = -1;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** Binary units from KiB on, aligned, as C++ Nix prints sizes: `  12.3 KiB`. */
export function renderSize(bytes: number): string {
  return renderBinary(bytes).padStart(10);
}

/** As `renderSize`, with a sign and not aligned. */
export function renderSizeDifference(bytes: number): string {
  return bytes < 0 ? `-${renderBinary(-bytes)}` : `+${renderBinary(bytes)}`;
}

function renderBinary(bytes: number): string {
  const power = Math.max(1, Math.min(6, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${(bytes / 1024 ** power).toFixed(1)} ${'?KMGTPE'[power]}iB`;
}

/** `0.4 s`, `12.3 s`, `3 min 05 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** One line on a kind of work that is under way. */
export function describeRunning(tally: Tally, now: number): string {
  const elapsed = Math.max(1, now - tally.startedAt);
  const parts: string[] = [];
  if (tally.started > 1) parts.push(`${tally.ended} of ${tally.started}`);
  if (tally.bytesDone > 0 || tally.bytesTotal > 0) {
    parts.push(
      tally.bytesTotal > 0
        ? `${formatBytes(tally.bytesDone)} of ${formatBytes(Math.max(tally.bytesTotal, tally.bytesDone))}`
        : formatBytes(tally.bytesDone),
      `${formatBytes(Math.round((tally.bytesDone / elapsed) * 1000))}/s`,
    );
  } else if (tally.itemsTotal > 0) {
    parts.push(`${tally.itemsDone} of ${tally.itemsTotal}`);
  }
  parts.push(formatDuration(elapsed));
  return `${runningVerb(tally.kind)} ${parts.join(', ')}`;
}

/** One line on a kind of work that has come to rest. */
export function describeFinished(tally: Tally): string {
  const elapsed = Math.max(1, tally.endedAt - tally.startedAt);
  const parts: string[] = [];
  if (tally.started > 1) parts.push(`${tally.finished} items`);
  if (tally.bytesDone > 0) parts.push(formatBytes(tally.bytesDone));
  let line = `${pastVerb(tally.kind)} ${parts.join(', ')}`.trimEnd();
  line += ` in ${formatDuration(elapsed)}`;
  if (tally.bytesDone > 0) line += ` (${formatBytes(Math.round((tally.bytesDone / elapsed) * 1000))}/s)`;
  if (tally.failed > 0) line += `, ${tally.failed} failed`;
  return line;
}
