/**
 * The test reporter: a line for each file that ends, the whole story of each failure, and as its
 * last line the plain count `N passed, N failed, N skipped`.
 *
 * Only leaves are counted: a suite or a test that merely holds others is their sum.
 */

import { relative } from 'node:path';
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

interface FileTally {
  passed: number;
  failed: number;
  skipped: number;
  milliseconds: number;
}

type Source = AsyncIterable<TestEvent>;

export default async function* report(source: Source): AsyncGenerator<string> {
  const tallies = new Map<string, FileTally>();
  const skips: string[] = [];
  const failures: string[] = [];
  /** Names of tests that hold subtests, by file and nesting, so that they are not counted. */
  const parents = new Set<string>();
  const path: string[] = [];
  let current = '';

  for await (const event of source) {
    if (event.type === 'test:start') {
      path.length = event.data.nesting;
      path.push(event.data.name);
      if (event.data.nesting > 0) {
        parents.add(keyOf(event.data.file, path.slice(0, -1)));
      }
      continue;
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    path.length = data.nesting;
    path.push(data.name);
    const key = keyOf(data.file, path);
    const file = data.file === undefined ? '' : relative(process.cwd(), data.file);
    const isParent = parents.has(key) || data.details.type === 'suite';
    const ownFailure = event.type === 'test:fail' && !isSubtestFailure(event.data.details.error);
    const tally = tallies.get(file) ?? { passed: 0, failed: 0, skipped: 0, milliseconds: 0 };
    tallies.set(file, tally);
    // The runner tells of one file after the other, so a new one means that the last is complete.
    if (file !== current && current !== '') yield describeTally(current, tallies.get(current)!);
    current = file;
    if (data.nesting === 0) tally.milliseconds += data.details.duration_ms;

    if (data.skip !== undefined || data.todo !== undefined) {
      tally.skipped += 1;
      const reason = typeof data.skip === 'string' ? data.skip : 'no reason given';
      skips.push(`${file}: ${path.join(' > ')} (${reason})`);
    } else if (event.type === 'test:fail' && (!isParent || ownFailure)) {
      tally.failed += 1;
      const story = `FAILED ${file}: ${path.join(' > ')}\n${describe(event.data.details.error)}\n`;
      failures.push(story);
      yield story;
    } else if (event.type === 'test:pass' && !isParent) {
      tally.passed += 1;
    }
  }

  let passed = 0;
  let failed = 0;
  let skipped = 0;
  if (current !== '') yield describeTally(current, tallies.get(current)!);
  for (const tally of tallies.values()) {
    passed += tally.passed;
    failed += tally.failed;
    skipped += tally.skipped;
  }
  for (const skip of skips) yield `SKIPPED ${skip}\n`;
  // The end of a long log is what people see first: each failure again, with its reason.
  for (const failure of failures) {
    const [head, reason = ''] = failure.split('\n', 2);
    yield `${head}: ${reason}`.slice(0, longestSummary) + '\n';
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

const longestSummary = 400;

function describeTally(file: string, tally: FileTally): string {
  const { passed, failed, skipped, milliseconds } = tally;
  return `${file}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${(milliseconds / 1000).toFixed(1)} s\n`;
}

function keyOf(file: string | undefined, path: readonly string[]): string {
  return `${file ?? ''}\0${path.join('\0')}`;
}

/** True when a test failed only because one that it holds did. */
function isSubtestFailure(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}

function describe(error: unknown): string {
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error;
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 4 });
}
