/**
 * A package as `nix-env` sees it: a derivation's attributes, or a store path, read when asked for.
 *
 * Texts are byte strings. What is wrong with an attribute is told in C++ Nix's words.
 */

import { NixError, resolvePosition, type Position } from '#diagnostics';
import { splitStorePath } from '#formats';
import { parse, setWithBinding } from '#lang';
import {
  Attrs, coerceToString, ContextCollector, ContextString, force, forceAttrs, forceBool, forceList,
  forceStringNoContext, isForced, NixFloat, type EvalServices, type Slot, type Value,
} from '#runtime';

/** Output names to paths; a path is missing where only names were asked for. */
export type Outputs = ReadonlyMap<string, string | undefined>;

export class PackageInfo {
  readonly attributePath: string;
  readonly #services: EvalServices;
  readonly #attrs: Attrs | undefined;
  #name: string | undefined;
  #drvPath: string | undefined;
  #outPath: string | undefined;
  #meta: Attrs | undefined;

  constructor(services: EvalServices, attributePath: string, attrs: Attrs) {
    this.#services = services;
    this.attributePath = attributePath;
    this.#attrs = attrs;
  }

  /** A package known by its paths alone. */
  static ofStorePath(services: EvalServices, name: string, outPath: string, drvPath: string | undefined): PackageInfo {
    const info = new PackageInfo(services, '', Attrs.fromEntries([]));
    info.#name = name;
    info.#outPath = outPath;
    info.#drvPath = drvPath;
    return info;
  }

  get name(): string {
    if (this.#name !== undefined) return this.#name;
    const slot = this.#attrs?.get('name');
    if (slot === undefined) throw new NixError('TypeError', 'derivation name missing');
    return this.#name = forceStringNoContext(slot, 0, "while evaluating the 'name' attribute of a derivation");
  }

  set name(name: string) {
    this.#name = name;
  }

  /** Empty where nothing but a store path is known. */
  get system(): string {
    if (this.#attrs === undefined || this.#attrs.size === 0) return '';
    const slot = this.#attrs.get('system');
    return slot === undefined ? 'unknown' : forceStringNoContext(
      slot, this.#attrs.positionOf('system'), "while evaluating the 'system' attribute of a derivation");
  }

  get drvPath(): string | undefined {
    if (this.#drvPath === undefined && this.#attrs?.has('drvPath') === true) {
      const trace = "while evaluating the 'drvPath' attribute of a derivation";
      const path = this.#storePath(this.#attrs, 'drvPath', trace);
      if (!path.endsWith('.drv')) {
        const name = path.slice(path.lastIndexOf('/') + 1);
        throw new NixError('EvalError', `store path '${name}' is not a valid derivation path`)
          .addTrace(this.#attrs.positionOf('drvPath'), trace);
      }
      this.#drvPath = path;
    }
    return this.#drvPath;
  }

  get outPath(): string {
    if (this.#outPath === undefined && this.#attrs?.has('outPath') === true) {
      this.#outPath = this.#storePath(this.#attrs, 'outPath', 'while evaluating the output path of a derivation');
    }
    if (this.#outPath === undefined) throw new NixError('Error', "derivation does not have attribute 'outPath'");
    return this.#outPath;
  }

  get outputName(): string {
    const slot = this.#attrs?.get('outputName');
    return slot === undefined ? ''
      : forceStringNoContext(slot, 0, 'while evaluating the output name of a derivation');
  }

  /** By name. An output that its set does not describe is left out. */
  outputs(withPaths: boolean): Outputs {
    const outputs = new Map<string, string | undefined>();
    const list = this.#attrs?.get('outputs');
    if (list === undefined || this.#attrs === undefined) {
      return outputs.set('out', withPaths ? this.outPath : undefined);
    }
    const position = this.#attrs.positionOf('outputs');
    for (const item of forceList(list, position, "while evaluating the 'outputs' attribute of a derivation")) {
      const name = forceStringNoContext(item, position, 'while evaluating the name of an output of a derivation');
      if (!withPaths) {
        outputs.set(name, undefined);
        continue;
      }
      const slot = this.#attrs.get(name);
      if (slot === undefined) continue;
      const output = forceAttrs(slot, position, 'while evaluating an output of a derivation');
      if (!output.has('outPath')) continue;
      outputs.set(name, this.#storePath(output, 'outPath', 'while evaluating an output path of a derivation'));
    }
    return sortedByName(outputs);
  }

  /** Whether it says which of its outputs are meant. */
  get saysOutputs(): boolean {
    return this.#attrs?.has('outputSpecified') === true || this.meta('outputsToInstall') !== undefined;
  }

  /** The outputs that an installation brings: the one that was selected, or `meta.outputsToInstall`. */
  outputsToInstall(withPaths = true): Outputs {
    const outputs = this.outputs(withPaths);
    const specified = this.#attrs?.get('outputSpecified');
    if (specified !== undefined && forceBool(
      specified, this.#attrs!.positionOf('outputSpecified'), "while evaluating the 'outputSpecified' attribute of a derivation")) {
      if (!outputs.has(this.outputName)) {
        throw new NixError('Error', `derivation does not have output '${this.outputName}'`);
      }
      return new Map([[this.outputName, outputs.get(this.outputName)]]);
    }
    const wanted = this.meta('outputsToInstall');
    if (wanted === undefined) return outputs;
    const bad = () => new NixError('Error', "this derivation has bad 'meta.outputsToInstall'");
    if (!Array.isArray(wanted)) throw bad();
    return sortedByName(new Map(wanted.map((slot) => {
      const name = textOf(force(slot));
      if (name === undefined || !outputs.has(name)) throw bad();
      return [name, outputs.get(name)];
    })));
  }

  metaNames(): readonly string[] {
    return this.#metaSet()?.names() ?? [];
  }

  /** An attribute of `meta`, forced throughout; undefined for one that is absent or no plain data. */
  meta(name: string): Value | undefined {
    const slot = this.#metaSet()?.get(name);
    return slot !== undefined && isPlainData(slot, this.#metaSet()!.positionOf(name)) ? force(slot) : undefined;
  }

  metaText(name: string): string {
    const value = this.meta(name);
    return value === undefined ? '' : textOf(value) ?? '';
  }

  metaInteger(name: string, otherwise: number): number {
    const value = this.meta(name);
    if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
    const text = value === undefined ? undefined : textOf(value);
    return text !== undefined && /^-?[0-9]+$/.test(text) ? Number(text) : otherwise;
  }

  metaFlag(name: string, otherwise: boolean): boolean {
    const value = this.meta(name);
    if (typeof value === 'boolean') return value;
    const text = value === undefined ? undefined : textOf(value);
    return text === 'true' || (text === 'false' ? false : otherwise);
  }

  setMeta(name: string, text: string): void {
    const meta = this.#metaSet();
    const entries = (meta?.names() ?? []).map((one): [string, Slot] => [one, meta!.get(one)!]);
    this.#meta = Attrs.fromEntries([...entries, [name, text]]);
  }

  #metaSet(): Attrs | undefined {
    if (this.#meta !== undefined) return this.#meta;
    const slot = this.#attrs?.get('meta');
    if (slot === undefined) return undefined;
    return this.#meta = forceAttrs(
      slot, this.#attrs!.positionOf('meta'), "while evaluating the 'meta' attribute of a derivation");
  }

  #storePath(attrs: Attrs, name: string, trace: string): string {
    const position = attrs.positionOf(name);
    const text = coerceToString(
      attrs.get(name)!, this.#services, new ContextCollector(), position, trace, { copyToStore: false });
    if (splitStorePath(text, this.#services.host.storeDirectory)?.rest !== '') {
      throw new NixError(
        'EvalError', `cannot coerce '${text}' to a store path because it is not a subpath of the Nix store`, position)
        .addTrace(position, trace);
    }
    return text;
  }
}

/** The text of a string value; undefined for another. */
export function textOf(value: Value): string | undefined {
  if (value instanceof ContextString) return value.text;
  return typeof value === 'string' ? value : undefined;
}

/** Forces all of it: numbers, strings, truth values, and lists and sets of such but no derivations. */
function isPlainData(slot: Slot, depth = 0): boolean {
  if (depth > deepestMeta) {
    throw new NixError('StackOverflowError', 'stack overflow; max-call-depth exceeded', placeOfSet(slot));
  }
  const value = force(slot);
  if (Array.isArray(value)) return value.every((one) => isPlainData(one, depth + 1));
  if (value instanceof Attrs) {
    return !value.has('outPath')
      && value.names().every((name) => isPlainData(value.get(name)!, depth + 1));
  }
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    || textOf(value) !== undefined || value instanceof NixFloat;
}

/** Where a set that is known already stands in the program. */
function placeOfSet(slot: Slot): Position {
  const set = isForced(slot) ? force(slot) : undefined;
  const position = set instanceof Attrs && set.size > 0 ? set.positionOf(set.names()[0]!) : 0;
  const place = resolvePosition(position);
  if (place === undefined) return 0;
  const { tree } = parse(place.text, { base: 0, directory: '/', home: '/', pipes: true });
  const found = tree === undefined ? undefined : setWithBinding(tree, place.offset);
  return found === undefined ? position : position - place.offset + found.at;
}

/** A set that holds itself has no end; C++ Nix's limit of calls. */
const deepestMeta = 10_000;

function sortedByName<T>(map: Map<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
