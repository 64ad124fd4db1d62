/**
 * Writes a planned ISO image in one pass: section after section, zeros between them.
 */
import { assert } from '#base';
import type { ByteSink } from '../byte-sink.ts';
import { copySource, writeZeros } from '../byte-sink.ts';
import { isoSectorBytes } from './format.ts';
import type { IsoPlan } from './plan.ts';

/** Writes `plan.sizeBytes` bytes; `onBytes` hears how many have been written. */
export async function writeIso(
  plan: IsoPlan,
  sink: ByteSink,
  onBytes: (lengthBytes: number) => void = () => {},
): Promise<void> {
  const start = sink.positionBytes;
  const fillTo = async (position: number): Promise<void> => {
    const gap = position - (sink.positionBytes - start);
    assert(gap >= 0, 'sections of an ISO image overlap');
    await writeZeros(sink, gap);
    onBytes(gap);
  };
  for (const { sector, content } of plan.sections) {
    await fillTo(sector * isoSectorBytes);
    await copySource(sink, content, onBytes);
  }
  await fillTo(plan.sizeBytes);
}
