/**
 * `builtin:concat-files`: one file out of several.
 *
 * Attributes: `files`, `header` (text before the first), `separator` (text between two),
 * `executable`. A folder among `files` stands for all regular files below it in bytewise order of
 * their paths, of which `suffix` and `exclude` (patterns over paths below the folder) choose.
 */
import { closeSync, lstatSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { writeAll } from '#store';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { compilePathPatterns } from '../io/path-pattern.ts';

export const concatFilesBuilder: BuiltinBuilder = {
  name: 'builtin:concat-files',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:concat-files');
    const mode = attributes.boolean('executable', false) ? 0o755 : 0o644;
    const file = openSync(job.outputs.get('out') as string, 'wx', mode);
    const write = (bytes: Uint8Array): void => writeAll(file, bytes);
    try {
      const separator = Buffer.from(attributes.string('separator', ''), 'latin1');
      write(Buffer.from(attributes.string('header', ''), 'latin1'));
      const suffix = attributes.string('suffix', '');
      const excluded = compilePathPatterns(attributes.strings('exclude'));
      const chosen = (path: string): boolean => path.endsWith(suffix) && !excluded(path);
      let isFirst = true;
      for (const path of attributes.strings('files')) {
        for (const place of filesAt(job.inputs.physicalPath(path), chosen)) {
          job.signal.throwIfAborted();
          if (!isFirst) write(separator);
          isFirst = false;
          write(readFileSync(place));
        }
      }
    } finally {
      closeSync(file);
    }
  },
};

// A file stands for itself; of a folder the chosen regular files below it are meant.
function filesAt(place: string, chosen: (path: string) => boolean): string[] {
  if (!lstatSync(place).isDirectory()) return [place];
  const found: string[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(`${place}/${relative}`, { withFileTypes: true })) {
      const path = relative + entry.name;
      if (entry.isDirectory()) walk(`${path}/`);
      else if (entry.isFile() && chosen(path)) found.push(path);
    }
  };
  walk('');
  const bytes = (path: string): Buffer => Buffer.from(path);
  return found.sort((a, b) => Buffer.compare(bytes(a), bytes(b))).map((path) => `${place}/${path}`);
}
