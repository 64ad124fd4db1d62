/**
 * `builtin:hwdb`: systemd's hardware database, compiled.
 *
 * Attributes: `sources` (folders with `*.hwdb`, or single files of that kind), `systemdVersion` (that
 * the database names). Of files with the same name that of the later source counts; a folder that
 * does not exist has none. The output is the file `hwdb.bin` itself.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HwdbFile } from '#images';
import { compareByteStrings, compileHwdb } from '#images';
import { threadedBuilder, type ThreadJob } from '../threaded-builder.ts';
import { Attributes } from '../io/attributes.ts';

/** The version of systemd in Debian 13. */
const defaultVersion = 257;

export const hwdbBuilder = threadedBuilder('builtin:hwdb', import.meta.url);

export function buildInThread(job: ThreadJob): undefined {
  const attributes = new Attributes(job.structuredAttrs, 'builtin:hwdb');
  const files = new Map<string, HwdbFile>();
  for (const source of attributes.strings('sources')) {
    for (const file of databaseFiles(source, job.physicalPath(source))) {
      files.set(basename(file.path), file);
    }
  }
  const ordered = [...files].sort(([a], [b]) => compareByteStrings(a, b)).map(([, file]) => file);
  const database = compileHwdb(ordered, {
    toolVersion: attributes.number('systemdVersion', defaultVersion),
    onWarning: (path, line, message) => job.log(`${path}:${line}: ${message}`),
  });
  writeFileSync(job.outputs.get('out')!, database);
}

/** The database records where a file would stand on the running system. */
function databaseFiles(source: string, physical: string): HwdbFile[] {
  if (!existsSync(physical)) return [];
  if (statSync(physical).isFile()) {
    const name = basename(source).replace(/^[0-9a-z]{32}-/, '');
    return [{ path: `/etc/udev/hwdb.d/${name}`, text: readFileSync(physical, 'latin1') }];
  }
  return readdirSync(physical, 'latin1')
    .filter((name) => name.endsWith('.hwdb'))
    .map((name) => ({
      path: `/usr/lib/udev/hwdb.d/${name}`,
      text: readFileSync(join(physical, name), 'latin1'),
    }));
}
