/**
 * Answers an evaluation's question from an earlier run, if nothing that the answer depends on has
 * changed since. Runs on the main thread: then the evaluator's thread is not started at all. If only
 * files have changed that it imports, tells how it is best performed again.
 */

import { readFileSync } from 'node:fs';
import { sha256Hex } from '#base';
import type { LocalStore } from '#store';
import { ImageFolder, type ImageFile } from '../images/image-folder.ts';
import { newSharedHeap, readPieces, type SharedHeap } from '../images/shared-heap.ts';
import { loadStore } from '../lazy-store.ts';
import { observesCalls, readSettings, type NixSettings } from '../settings.ts';
import type { ThreadInput } from '../worker/protocol.ts';
import type { EvaluationRequest } from '../worker/run-evaluation.ts';
import { systemPlace } from './file-state.ts';
import { programDigest, questionKey } from './question.ts';
import { loadResult, resultFolder, type StoredResult } from './result-file.ts';
import { changedFiles, holdsElse, type World } from './revalidate.ts';
import { mayChange, planRevision, type Revision } from './revision.ts';

export interface Recalled {
  /** Digest of the program if a new result is to be kept. */
  readonly program: string | undefined;
  /** Shown already as the evaluation showed it. */
  readonly stored?: StoredResult;
  /** How to perform the evaluation, if that is not anew. */
  readonly revision?: Revision | undefined;
  /** What a revision goes on from. */
  readonly ground?: Ground;
}

/** An image, which the evaluator's thread and the main one read and prove together. */
export interface Ground {
  readonly sharedHeap: SharedHeap | undefined;
  /** Reads while the thread starts. */
  read(): void;
  /** Whether the image may be believed. Takes its time. */
  holds(): Promise<boolean>;
}

function groundOf(image: ImageFile, holds: () => Promise<boolean>): Ground {
  const sharedHeap = newSharedHeap(image);
  return {
    sharedHeap,
    holds,
    read() {
      if (sharedHeap !== undefined) readPieces(image, sharedHeap);
      image.close();
    },
  };
}

function openImageOf({ history: { basis } }: StoredResult, question: string, cacheDirectory: string): ImageFile | undefined {
  return basis === undefined ? undefined : new ImageFolder(cacheDirectory).open(question, basis.image);
}

/** Looks for the result of a request; the setting `eval-cache` says whether any is kept. */
export async function recall(
  request: EvaluationRequest, input: Omit<ThreadInput, 'port' | 'wake'>,
): Promise<Recalled> {
  const settings = readSettings({ environment: input.environment, overrides: input.settingOverrides });
  const isKept = settings.flag('eval-cache', true) && !observesCalls(settings);
  const program = isKept ? programDigest() : undefined;
  if (program === undefined) return { program };
  const question = questionKey(program, input, settings);
  const stored = loadResult(resultFolder(input.cacheDirectory), question);
  if (stored === undefined) return { program };
  const isFollowed = mayBeRevised(input, settings) ? mayChange(stored) : () => false;
  const { seen } = stored;
  const changed = changedFiles(seen, worldOf(request), isFollowed);
  if (changed === undefined) return { program };
  const holds = () => withStore(request, (world) => holdsElse(seen, world));
  if (changed.length > 0) {
    const image = openImageOf(stored, question, input.cacheDirectory);
    const revision = planRevision(question, stored, changed, hashNow, image !== undefined);
    if (image !== undefined && revision?.kind === 'again') return { program, revision, ground: groundOf(image, holds) };
    image?.close();
    return { program, revision };
  }
  if (!await holds()) return { program };
  for (const shown of stored.shown) {
    if (shown.kind === 'output') request.onOutput?.(shown.bytes);
    else request.progress?.message(shown.level, shown.text);
  }
  return { program, stored };
}

/** Evaluations that decide by what they have done already what they may see know too little of an image. */
function mayBeRevised({ environment }: Pick<ThreadInput, 'environment'>, settings: NixSettings): boolean {
  return environment['FIRN_FLAT'] !== 'off' && environment['FIRN_REVISIONS'] !== 'off'
    && !settings.flag('pure-eval', false) && !settings.flag('restrict-eval', false);
}

function worldOf({ environment, services = {} }: EvaluationRequest): Omit<World, 'store'> {
  return { environment, services };
}

async function withStore<Answer>(request: EvaluationRequest, ask: (world: World) => Promise<Answer>): Promise<Answer> {
  let store: LocalStore | undefined;
  const openStore = () => store ??= new (loadStore().LocalStore)(request.store);
  try {
    return await ask({ ...worldOf(request), store: openStore });
  } finally {
    store?.close();
  }
}

function hashNow(place: string): string | undefined {
  try {
    return sha256Hex(readFileSync(systemPlace(place), 'latin1'));
  } catch {
    return undefined;
  }
}
