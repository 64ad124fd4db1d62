/** `builtin:write-file`: one file of given `text`, executable or not. */
import { writeFileSync } from 'node:fs';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';

export const writeFileBuilder: BuiltinBuilder = {
  name: 'builtin:write-file',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:write-file');
    writeFileSync(
      job.outputs.get('out') as string,
      Buffer.from(attributes.string('text'), 'latin1'),
      { flag: 'wx', mode: attributes.boolean('executable', false) ? 0o755 : 0o644 },
    );
  },
};
