/** The progress renderers' sums and words, without a terminal or a clock. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFinished, describeRunning, formatBytes, formatDuration } from '../../src/cli/progress/describe.ts';
import { LineProgress } from '../../src/cli/progress/line-progress.ts';
import { ProgressMeter } from '../../src/cli/progress/meter.ts';

test('sizes and durations are short and exact enough', () => {
  const sizes = [0, 999, 1000, 9_949, 9_950, 12_345, 999_499, 999_500, 518_385_664, 12_000_000_000];
  assert.deepEqual(sizes.map(formatBytes), [
    '0 B', '999 B', '1.0 kB', '9.9 kB', '9.9 kB', '12 kB', '999 kB', '1.0 MB', '518 MB', '12 GB',
  ]);
  assert.deepEqual([0, 59_900, 60_000, 185_400].map(formatDuration), ['0.0 s', '59.9 s', '1 min 00 s', '3 min 05 s']);
});

test('a part counts with its whole, or for itself in another kind of work', () => {
  let now = 0;
  const meter = new ProgressMeter(() => now, () => {});
  const whole = meter.start('download', 'packages', { total: 1000, unit: 'bytes' });
  const part = meter.start('download', 'one', { total: 400, unit: 'bytes', parent: whole });
  const other = meter.start('unpack', 'one', { total: 10, parent: whole });
  part.advance(400);
  whole.advance(400);
  other.advance(10);
  now = 2000;
  const download = meter.tallies.get('download')!;
  assert.equal(download.bytesDone, 400);
  assert.equal(describeRunning(download, now), 'downloading 0 of 2, 400 B of 1.0 kB, 200 B/s, 2.0 s');
  assert.equal(meter.tallies.get('unpack')!.itemsDone, 10);
  part.finish();
  part.finish();
  // It stays open until all that needs the packages is done.
  now = 9000;
  whole.finish();
  assert.equal(describeFinished(download), 'downloaded 2 items, 400 B in 2.0 s (200 B/s)');
});

test('a log gets plain lines: a beginning, messages, a sum', () => {
  let text = '';
  const progress = new LineProgress({ write: (piece) => { text += piece; } }, 3);
  const activity = progress.start('compress', 'squashfs image', { total: 5, unit: 'bytes' });
  progress.message('warning', 'this is odd');
  progress.message('debug', 'not for everybody');
  activity.advance(5);
  activity.finish();
  progress.close();
  assert.match(text, /^compressing squashfs image …\nwarning: this is odd\ncompressed 5 B in \d+\.\d s \(.*\/s\)\n$/);
});

test('the time of the last downloaded byte is that of the bytes, not of the end', () => {
  let now = 0;
  const meter = new ProgressMeter(() => now, () => {});
  assert.equal(meter.lastBytesAt('download'), undefined);
  const whole = meter.start('download', 'packages', { total: 900, unit: 'bytes' });
  const part = meter.start('download', 'one', { total: 900, unit: 'bytes', parent: whole });
  const other = meter.start('unpack', 'one', { parent: whole });
  assert.equal(meter.lastBytesAt('download'), undefined);
  now = 1000;
  whole.advance(900);
  part.finish();
  now = 5000;
  other.advance(1);
  whole.finish();
  assert.equal(meter.lastBytesAt('download'), 1000);
  assert.equal(meter.lastBytesAt('unpack'), undefined);
});
