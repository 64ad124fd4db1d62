/**
 * Answers an evaluation's question from an earlier run, if nothing that the answer depends on has
 * changed since. Runs on the main thread: then the evaluator's thread is not started at all.
 */

import type { LocalStore } from '#store';
import { loadStore } from '../lazy-store.ts';
import { observesCalls, readSettings } from '../settings.ts';
import type { ThreadInput } from '../worker/protocol.ts';
import type { EvaluationRequest } from '../worker/run-evaluation.ts';
import { programDigest, questionKey } from './question.ts';
import { loadResult, resultFolder, type StoredResult } from './result-file.ts';
import { isUnchanged } from './revalidate.ts';

export interface Recalled {
  /** Digest of the program if a new result is to be kept. */
  readonly program: string | undefined;
  /** Shown already as the evaluation showed it. */
  readonly stored?: StoredResult;
}

/** Looks for the result of a request; the setting `eval-cache` says whether any is kept. */
export async function recall(
  request: EvaluationRequest, input: Omit<ThreadInput, 'port' | 'wake'>,
): Promise<Recalled> {
  const settings = readSettings({ environment: input.environment, overrides: input.settingOverrides });
  const isKept = settings.flag('eval-cache', true) && !observesCalls(settings);
  const program = isKept ? programDigest() : undefined;
  if (program === undefined) return { program };
  const stored = loadResult(resultFolder(input.cacheDirectory), questionKey(program, input, settings));
  if (stored === undefined || !(await holds(stored, request))) return { program };
  for (const shown of stored.shown) {
    if (shown.kind === 'output') request.onOutput?.(shown.bytes);
    else request.progress?.message(shown.level, shown.text);
  }
  return { program, stored };
}

async function holds({ seen }: StoredResult, request: EvaluationRequest): Promise<boolean> {
  const { environment, services = {} } = request;
  let store: LocalStore | undefined;
  const openStore = () => store ??= new (loadStore().LocalStore)(request.store);
  try {
    return await isUnchanged(seen, { environment, services, store: openStore });
  } finally {
    store?.close();
  }
}
