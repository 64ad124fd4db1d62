/**
 * What an evaluation did, in numbers, for `NIX_SHOW_STATS`.
 *
 * Keys that C++ Nix has mean here what they mean there; others are of our own representation. With
 * `NIX_SHOW_STATS_PATH` the numbers go to that file.
 */

import { writeFileSync } from 'node:fs';
import type { Progress } from '#base';
import { counters } from '#runtime';
import { statisticsNotWritten } from '../errors.ts';
import type { Environment } from '../settings.ts';

/** Writes the numbers so far as JSON. */
export function reportStatistics(environment: Environment, progress: Progress): void {
  const text = JSON.stringify(statistics(), undefined, 2);
  const path = environment['NIX_SHOW_STATS_PATH'];
  if (path === undefined || path === '-') return progress.message('notice', text);
  try {
    writeFileSync(path, `${text}\n`);
  } catch (error) {
    throw statisticsNotWritten(path, error);
  }
}

function statistics(): Readonly<Record<string, unknown>> {
  const { user, system } = process.cpuUsage();
  const cpu = (user + system) / 1e6;
  return { cpuTime: cpu, time: { cpu }, ...workDone(), memory: { peakBytes: process.resourceUsage().maxRSS * 1024 } };
}

/** The numbers that are the same whenever the same is evaluated. */
export function workDone(): Readonly<Record<string, number>> {
  return {
    nrThunks: counters.thunksMade,
    nrThunksForced: counters.thunksForced,
    nrFunctionCalls: counters.functionCalls,
    nrPrimOpCalls: counters.primOpCalls,
    nrLookups: counters.lookups,
    nrOpUpdates: counters.attributeMerges,
    nrMergePlans: counters.mergePlansMade,
    nrShapes: counters.shapesMade,
    nrRegexBranches: counters.regexBranches,
    nrFilesParsed: counters.filesParsed,
    parsedBytes: counters.parsedBytes,
  };
}
