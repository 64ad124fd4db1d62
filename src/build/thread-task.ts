/** The inside of a threaded builder: runs the builder's module, then measures what it wrote. */
import { bytePath, canonicaliseTree, scanTree } from '#store';
import type { OutputMeasure } from './builtin-builder.ts';
import type { ThreadAnswer, ThreadedModule, ThreadRequest } from './threaded-builder.ts';
import type { TaskDoor } from './worker-pool.ts';

export async function run(request: ThreadRequest, door: TaskDoor): Promise<ThreadAnswer> {
  const { storeDirectory, physicalStoreDirectory, outputs, candidates } = request;
  const module = (await import(request.module)) as ThreadedModule;
  const known = await module.buildInThread({
    structuredAttrs: request.structuredAttrs,
    physicalPath: (path) =>
      path.startsWith(storeDirectory)
        ? physicalStoreDirectory + path.slice(storeDirectory.length)
        : path,
    outputs: new Map(outputs),
    cores: request.cores,
    advance: (steps) => door.advance(steps),
    log: (line) => door.log(line),
  });
  const measures: [string, OutputMeasure][] = [];
  for (const [name, place] of outputs) {
    measures.push([name, known?.get(name) ?? (await measure(place, candidates))]);
  }
  return measures;
}

async function measure(
  place: string,
  candidates: ThreadRequest['candidates'],
): Promise<OutputMeasure> {
  const path = bytePath(place);
  canonicaliseTree(path);
  const { narHash, narSizeBytes, references } = await scanTree(path, candidates);
  return { narSha256: narHash.bytes, narSizeBytes, references };
}
