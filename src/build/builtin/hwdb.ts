/**
 * `builtin:hwdb`: systemd's hardware database, compiled.
 *
 * Attributes: `packages` (trees with `udev/hwdb.d` below lib, usr/lib or etc), `extraText` (a file
 * of one's own, read last), `systemdVersion` (that the database names). Of files with the same name
 * that of the later package counts. The output is the file `hwdb.bin` itself.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HwdbFile } from '#images';
import { compareByteStrings, compileHwdb } from '#images';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';

/** The version of systemd in Debian 13. */
const defaultVersion = 257;

export const hwdbBuilder: BuiltinBuilder = {
  name: 'builtin:hwdb',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:hwdb');
    const files = new Map<string, HwdbFile>();
    for (const tree of attributes.strings('packages')) {
      const root = job.inputs.physicalPath(tree);
      for (const place of ['lib/udev/hwdb.d', 'usr/lib/udev/hwdb.d', 'etc/udev/hwdb.d']) {
        for (const [name, text] of databaseFiles(join(root, place))) {
          files.set(name, { path: `/${place.replace(/^lib/, 'usr/lib')}/${name}`, text });
        }
      }
    }
    const extraText = attributes.string('extraText', '');
    if (extraText !== '') {
      files.set('99-local.hwdb', { path: '/etc/udev/hwdb.d/99-local.hwdb', text: extraText });
    }
    const ordered = [...files].sort(([a], [b]) => compareByteStrings(a, b)).map(([, file]) => file);
    const database = compileHwdb(ordered, {
      toolVersion: attributes.number('systemdVersion', defaultVersion),
      onWarning: (path, line, message) => job.log(`${path}:${line}: ${message}`),
    });
    writeFileSync(job.outputs.get('out')!, database);
  },
};

function databaseFiles(folder: string): [name: string, text: string][] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, 'latin1').filter((name) => name.endsWith('.hwdb'));
  return names.map((name) => [name, readFileSync(join(folder, name), 'latin1')]);
}
