/**
 * `builtin:buildenv`: a user environment, one tree of links to the files of several packages.
 *
 * Attributes, as C++ Nix's commands write them: `derivations`, for each package whether it is active,
 * its priority, the number of its outputs and their paths, all as words; and `manifest`, a file that
 * gets the name manifest.nix. The tree is C++ Nix's, to the byte.
 */
import { dirname } from 'node:path/posix';
import { assert } from '#base';
import { knownOutputPath } from '#formats';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { malformedEnvironment } from '../errors.ts';
import { Attributes } from '../io/attributes.ts';
import { EnvironmentTree, type LinkedPackage } from '../io/environment-tree.ts';

export const buildenvBuilder: BuiltinBuilder = {
  name: 'builtin:buildenv',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:buildenv');
    const output = job.derivation.outputs.get('out');
    const out = output && knownOutputPath(output);
    assert(out !== undefined, 'a user environment has an output of known path');
    const tree = new EnvironmentTree({
      store: { storeDirectory: dirname(out), physicalPath: (path) => job.inputs.physicalPath(path) },
      out, signal: job.signal, log: (line) => job.log(line),
    });
    tree.addAll(readPackages(attributes.string('derivations')));
    const manifest = { type: 'link', target: attributes.string('manifest') } as const;
    tree.write(job.outputs.get('out') as string, new Map([['manifest.nix', manifest]]));
  },
};

/** The active packages. */
function readPackages(text: string): LinkedPackage[] {
  const words = text.split(/[ \t\n\r]+/).filter((word) => word !== '');
  const packages: LinkedPackage[] = [];
  for (let at = 0; at < words.length;) {
    const [active, priority = '', count = ''] = words.slice(at, at + 3);
    if (!/^-?[0-9]+$/.test(priority) || !/^[0-9]+$/.test(count)) throw malformedEnvironment(text);
    const paths = words.slice(at + 3, at + 3 + Number(count));
    if (paths.length < Number(count)) throw malformedEnvironment(text);
    if (active !== 'false') packages.push(...paths.map((path) => ({ path, priority: Number(priority) })));
    at += 3 + Number(count);
  }
  return packages;
}
