/**
 * `builtin:concat-files`: one file out of several.
 *
 * Attributes: `files`, `header` (text before the first), `separator` (text between two),
 * `executable`.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';

export const concatFilesBuilder: BuiltinBuilder = {
  name: 'builtin:concat-files',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:concat-files');
    const mode = attributes.boolean('executable', false) ? 0o755 : 0o644;
    const file = openSync(job.outputs.get('out') as string, 'wx', mode);
    const write = (bytes: Uint8Array): void => {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    };
    try {
      const separator = Buffer.from(attributes.string('separator', ''), 'latin1');
      write(Buffer.from(attributes.string('header', ''), 'latin1'));
      for (const [index, path] of attributes.strings('files').entries()) {
        job.signal.throwIfAborted();
        if (index > 0) write(separator);
        write(readFileSync(job.inputs.physicalPath(path)));
      }
    } finally {
      closeSync(file);
    }
  },
};
