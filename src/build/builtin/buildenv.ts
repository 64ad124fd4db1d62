/**
 * `builtin:buildenv`: a user environment, one tree of links to the files of several packages.
 *
 * Attributes, as C++ Nix's commands write them: `derivations`, for each package whether it is active,
 * its priority, the number of its outputs and their paths, all as words; and `manifest`, a file that
 * gets the name manifest.nix. A folder that only one package has is one link; where several meet,
 * it is a folder of links. Of two files at one place that of the smaller priority number wins; equal
 * numbers are an error. What a package wants installed with it (propagated-user-env-packages) comes
 * after all that was asked for, whatever that one's priority. The tree is C++ Nix's, to the byte.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import { assert, compareByteStrings } from '#base';
import { knownOutputPath } from '#formats';
import { bytePath, listNames, systemPath, TreeRestorer } from '#store';
import type { BuiltinBuilder, BuiltinJob } from '../builtin-builder.ts';
import { environmentClash, environmentConflict, malformedEnvironment } from '../errors.ts';
import { Attributes } from '../io/attributes.ts';
import { resolveInput, type LinkedStore, type ResolvedInput } from '../io/resolve-input.ts';

export const buildenvBuilder: BuiltinBuilder = {
  name: 'builtin:buildenv',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:buildenv');
    const environment = new Environment(job);
    environment.addAll(readPackages(attributes.string('derivations')));
    environment.write(attributes.string('manifest'));
  },
};

interface Package {
  readonly path: string;
  readonly priority: number;
}

type Folder = Map<string, Entry>;
type Entry =
  | { readonly type: 'folder'; readonly children: Folder }
  | { readonly type: 'link'; readonly target: string; readonly priority: number };

/** The active packages, the first to be linked first. */
function readPackages(text: string): Package[] {
  const words = text.split(/[ \t\n\r]+/).filter((word) => word !== '');
  const packages: Package[] = [];
  for (let at = 0; at < words.length;) {
    const [active, priority = '', count = ''] = words.slice(at, at + 3);
    if (!/^-?[0-9]+$/.test(priority) || !/^[0-9]+$/.test(count)) throw malformedEnvironment(text);
    const paths = words.slice(at + 3, at + 3 + Number(count));
    if (paths.length < Number(count)) throw malformedEnvironment(text);
    if (active !== 'false') packages.push(...paths.map((path) => ({ path, priority: Number(priority) })));
    at += 3 + Number(count);
  }
  return packages.sort((a, b) => a.priority - b.priority || compareByteStrings(a.path, b.path));
}

class Environment {
  readonly #job: BuiltinJob;
  readonly #out: string;
  readonly #store: LinkedStore;
  readonly #root: Folder = new Map();
  readonly #done = new Set<string>();
  #postponed = new Set<string>();

  constructor(job: BuiltinJob) {
    this.#job = job;
    const output = job.derivation.outputs.get('out');
    const out = output && knownOutputPath(output);
    assert(out !== undefined, 'a user environment has an output of known path');
    this.#out = out;
    this.#store = {
      storeDirectory: dirname(out), physicalPath: (path) => job.inputs.physicalPath(path),
    };
  }

  addAll(packages: readonly Package[]): void {
    for (const { path, priority } of packages) this.#addPackage(path, priority);
    let priority = firstPropagatedPriority;
    while (this.#postponed.size > 0) {
      const paths = [...this.#postponed].sort(compareByteStrings);
      this.#postponed = new Set();
      for (const path of paths) this.#addPackage(path, priority++);
    }
  }

  write(manifest: string): void {
    const restorer = new TreeRestorer(bytePath(this.#job.outputs.get('out') as string));
    const tell = (name: string | undefined, entry: Entry): void => {
      if (entry.type === 'link') {
        restorer.symlink(name, entry.target);
        return;
      }
      restorer.beginDirectory(name);
      for (const child of [...entry.children.keys()].sort(compareByteStrings)) {
        tell(child, entry.children.get(child) as Entry);
      }
      restorer.endDirectory();
    };
    this.#root.set('manifest.nix', { type: 'link', target: manifest, priority: 0 });
    tell(undefined, { type: 'folder', children: this.#root });
  }

  #resolve(path: string): ResolvedInput {
    return resolveInput(path, this.#store);
  }

  #addPackage(path: string, priority: number): void {
    this.#job.signal.throwIfAborted();
    if (this.#done.has(path)) return;
    this.#done.add(path);
    this.#addFolder(path, this.#root, '', priority);
    const list = this.#resolve(`${path}/nix-support/propagated-user-env-packages`);
    if (list.kind !== 'other') return;
    const text = readFileSync(systemPath(list.physical), 'latin1');
    for (const word of text.split(/[ \n]+/)) if (word !== '' && !this.#done.has(word)) this.#postponed.add(word);
  }

  /** Links what is in the folder `source` into `into`, which stands at `path` in the environment. */
  #addFolder(source: string, into: Folder, path: string, priority: number): void {
    const folder = this.#resolve(source);
    if (folder.kind !== 'directory') {
      this.#job.log(`warning: not including '${source}' in the user environment because it's not a directory`);
      return;
    }
    for (const name of listNames(folder.physical)) {
      // Hidden files and what would only clash are no part of an environment.
      if (name.startsWith('.') || neverLinked.test(`${source}/${name}`)) continue;
      this.#addEntry(`${source}/${name}`, into, name, `${path}/${name}`, priority);
    }
  }

  #addEntry(source: string, into: Folder, name: string, path: string, priority: number): void {
    const { kind } = this.#resolve(source);
    if (kind === 'missing') {
      this.#job.log(`warning: skipping dangling symlink '${this.#out}${path}'`);
      return;
    }
    const present = into.get(name);
    if (present !== undefined && kind === 'directory') {
      const children = present.type === 'folder' ? present.children : this.#openUp(present, into, name, source, path);
      this.#addFolder(source, children, path, priority);
      return;
    }
    if (present?.type === 'folder') throw environmentClash(source, this.#out + path, 'directory');
    if (present !== undefined) {
      if (present.priority === priority) throw environmentConflict(present.target, source, priority);
      if (present.priority < priority) return;
    }
    into.set(name, { type: 'link', target: source, priority });
  }

  /** Replaces a link to a folder by a folder of links to what is in it. */
  #openUp(
    link: Extract<Entry, { type: 'link' }>, into: Folder, name: string, source: string, path: string,
  ): Folder {
    const target = this.#resolve(link.target);
    if (target.kind !== 'directory') throw environmentClash(source, target.logical, 'non-directory');
    const children: Folder = new Map();
    into.set(name, { type: 'folder', children });
    this.#addFolder(target.logical, children, path, link.priority);
    return children;
  }
}

/** Above all that people give. */
const firstPropagatedPriority = 1000;
const neverLinked =
  /\/(?:propagated-build-inputs|nix-support|perllocal\.pod|info\/dir|log|manifest\.nix|manifest\.json)$/;
