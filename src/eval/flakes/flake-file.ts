/** Reading `flake.nix`: what it describes, which inputs it wants, and that its outputs are a function. */

import { missingPath, NixError, registerSource } from '#diagnostics';
import { parse, type Expr } from '#lang';
import {
  checkedInput, inputSettings, parseReference, printReference, referenceFromAttributes,
  type EvalServices, type FetchAttribute, type FlakeReference,
} from '#runtime';
import {
  literalFlag, literalFunction, literalJson, literalSet, literalString, literalType, showPlace,
  sortedBindings, type Place,
} from './literals.ts';
import { parseInputPath, type InputPath } from './lock-graph.ts';

/** An input as `flake.nix` wants it. */
export interface FlakeInput {
  readonly reference?: FlakeReference;
  readonly isFlake: boolean;
  /** From the root of the lock file. */
  readonly follows?: InputPath;
  readonly overrides: ReadonlyMap<string, FlakeInput>;
}

export type FlakeInputs = ReadonlyMap<string, FlakeInput>;

/** A setting's value in `nixConfig`. */
export type ConfigValue = string | number | boolean | readonly string[];

export interface Flake {
  readonly original: FlakeReference;
  readonly resolved: FlakeReference;
  readonly locked: FlakeReference;
  /** The folder of its `flake.nix`, in the store. */
  readonly folder: string;
  readonly description: string | undefined;
  readonly inputs: FlakeInputs;
  /** What `inputs.self` says of how to fetch the flake itself. */
  readonly selfAttributes: ReadonlyMap<string, FetchAttribute>;
  readonly config: ReadonlyMap<string, ConfigValue>;
}

export interface FlakePlace {
  readonly original: FlakeReference;
  readonly resolved: FlakeReference;
  readonly locked: FlakeReference;
  readonly folder: string;
  /** The flake's own place among the inputs of the top one: what its `follows` start from. */
  readonly inputPath: InputPath;
}

export function readFlake(services: EvalServices, place: FlakePlace): Flake {
  return new FlakeReader(services, place).read();
}

class FlakeReader {
  readonly #services: EvalServices;
  readonly #place: FlakePlace;
  #base = 0;

  constructor(services: EvalServices, place: FlakePlace) {
    this.#services = services;
    this.#place = place;
  }

  read(): Flake {
    const { original, resolved, locked, folder } = this.#place;
    const set = this.#parse();
    const selfAttributes = new Map<string, FetchAttribute>();
    let description: string | undefined;
    let inputs = new Map<string, FlakeInput>();
    let config = new Map<string, ConfigValue>();
    for (const { name, value, place } of sortedBindings(set, this.#base)) {
      if (name === 'description') description = literalString(value, place);
      else if (name === 'inputs') inputs = this.#inputs(value, place, selfAttributes);
      else if (name === 'nixConfig') config = this.#config(value, place);
      else if (name !== 'outputs') {
        throw new NixError(
          'Error', `flake '${printReference(resolved)}' has an unsupported attribute '${name}', at ${showPlace(place)}`);
      }
    }
    const outputs = set.attrs.get('outputs');
    if (outputs === undefined) throw new NixError('Error', `flake '${printReference(resolved)}' lacks attribute 'outputs'`);
    const { formals = [] } = literalFunction(outputs.value, { base: this.#base, at: outputs.at });
    for (const formal of formals) {
      if (formal.name === 'self' || inputs.has(formal.name)) continue;
      const reference = this.#reference(formal.name, true);
      inputs.set(formal.name, { reference, isFlake: true, overrides: new Map() });
    }
    const sorted = new Map([...inputs].sort(([a], [b]) => (a < b ? -1 : 1)));
    return { original, resolved, locked, folder, description, inputs: sorted, selfAttributes, config };
  }

  #parse(): Extract<Expr, { kind: 'attrs' }> {
    const { folder } = this.#place;
    const path = `${folder}/flake.nix`;
    this.#services.checkAccess(path);
    if (this.#services.host.lstat(path) === null) throw new NixError('FileNotFound', missingPath(path));
    const text = this.#services.host.readFile(path);
    this.#base = registerSource({ kind: 'file', path }, text);
    const { tree, diagnostics } = parse(text, {
      base: this.#base, directory: folder, home: undefined, pipes: this.#services.settings.features.has('pipe-operators'),
    });
    if (tree === undefined) throw diagnostics[0]!;
    if (tree.kind !== 'attrs') throw new NixError('EvalError', `file '${path}' must be an attribute set`);
    return tree;
  }

  /** `self` is not an input: its attributes go to `selfAttributes`, where it may be given. */
  #inputs(expr: Expr, place: Place, selfAttributes: Map<string, FetchAttribute> | undefined): Map<string, FlakeInput> {
    const inputs = new Map<string, FlakeInput>();
    for (const input of sortedBindings(literalSet(expr, place), this.#base)) {
      if (input.name !== 'self') {
        inputs.set(input.name, this.#input(input.value, input.place));
        continue;
      }
      if (selfAttributes === undefined) {
        throw new NixError('Error', `'self' input attribute not allowed at ${showPlace(input.place)}`);
      }
      for (const attribute of sortedBindings(literalSet(input.value, input.place), this.#base)) {
        selfAttributes.set(attribute.name, this.#attribute(attribute.name, attribute.value));
      }
    }
    return inputs;
  }

  #input(expr: Expr, place: Place): FlakeInput {
    const attributes = new Map<string, FetchAttribute>();
    let url: string | undefined;
    let isFlake = true;
    let follows: InputPath | undefined;
    let overrides: FlakeInputs = new Map();
    for (const { name, value, place: at } of sortedBindings(literalSet(expr, place), this.#base)) {
      this.#within(name, at, () => {
        if (name === 'url') attributes.set(name, url = this.#url(value, at));
        else if (name === 'flake') isFlake = literalFlag(value, at);
        else if (name === 'inputs') overrides = this.#inputs(value, at, undefined);
        else if (name === 'follows') {
          follows = [...this.#place.inputPath, ...parseInputPath(literalString(value, at))];
        } else attributes.set(name, this.#attribute(name, value));
      });
    }
    const reference = this.#inputReference(attributes, url, isFlake, place);
    if (reference !== undefined && follows !== undefined) {
      throw new NixError(
        'Error', `flake input has both a flake reference and a follows attribute, at ${showPlace(place)}`);
    }
    return {
      isFlake, overrides,
      ...(reference === undefined ? {} : { reference }), ...(follows === undefined ? {} : { follows }),
    };
  }

  #inputReference(
    attributes: Map<string, FetchAttribute>, url: string | undefined, isFlake: boolean, place: Place,
  ): FlakeReference | undefined {
    if (attributes.has('type')) {
      try {
        return referenceFromAttributes(attributes, inputSettings(this.#services));
      } catch (error) {
        if (error instanceof NixError) error.addTrace(place.base + place.at, 'while evaluating flake input');
        throw error;
      }
    }
    attributes.delete('url');
    const [other] = attributes.keys();
    if (other !== undefined) {
      throw new NixError('Error', `unexpected flake input attribute '${other}', at ${showPlace(place)}`);
    }
    return url === undefined ? undefined : this.#reference(url, isFlake);
  }

  #reference(text: string, isFlake: boolean): FlakeReference {
    const options = { allowMissing: true, isFlake, keepRelativePaths: true };
    return parseReference(text, inputSettings(this.#services), options);
  }

  /** A path literal means the place in the same tree. */
  #url(expr: Expr, place: Place): string {
    if (expr.kind === 'string') return expr.value;
    if (expr.kind === 'path') return `path:${relativeTo(this.#place.folder, expr.path)}`;
    throw new NixError(
      'Error', `expected a string or a path but got ${literalType(expr)} at ${showPlace(place)}`);
  }

  #attribute(name: string, expr: Expr): FetchAttribute {
    if (expr.kind === 'string') return expr.value;
    if (literalType(expr) === 'a Boolean') return expr.kind === 'var' && expr.name === 'true';
    if (expr.kind === 'int' && typeof expr.value === 'number') return expr.value;
    if (name === 'publicKeys') {
      inputSettings(this.#services).requireFeature('verified-fetches');
      return literalJson(expr);
    }
    throw new NixError(
      'TypeError',
      `flake input attribute '${name}' is ${literalType(expr)} while a string, Boolean, or integer is expected`);
  }

  #config(expr: Expr, place: Place): Map<string, ConfigValue> {
    const config = new Map<string, ConfigValue>();
    for (const { name, value } of sortedBindings(literalSet(expr, place), this.#base)) {
      if (value.kind === 'string') config.set(name, value.value);
      else if (value.kind === 'path') config.set(name, this.#services.copyPathToStore(value.path));
      else if (value.kind === 'int') config.set(name, Number(value.value));
      else if (literalType(value) === 'a Boolean') config.set(name, value.kind === 'var' && value.name === 'true');
      else if (value.kind === 'list') config.set(name, value.elements.map((item) => this.#listElement(name, item)));
      else throw new NixError('TypeError', `flake configuration setting '${name}' is ${literalType(value)}`);
    }
    return config;
  }

  #listElement(setting: string, expr: Expr): string {
    if (expr.kind === 'string') return expr.value;
    throw new NixError(
      'TypeError',
      `list element in flake configuration setting '${setting}' is ${literalType(expr)} while a string is expected`);
  }

  #within(name: string, place: Place, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof NixError) {
        error.addTrace(place.base + place.at, `while evaluating flake attribute '${name}'`);
      }
      throw error;
    }
  }
}

/** `../b` for `/x/b` seen from `/x/a`. */
function relativeTo(folder: string, path: string): string {
  const [from, to] = [folder.split('/'), path.split('/')];
  let common = 0;
  while (common < from.length && from[common] === to[common]) common++;
  const parts = [...from.slice(common).map(() => '..'), ...to.slice(common)];
  return parts.length === 0 ? '.' : parts.join('/');
}

/** What stands for an input that `flake.nix` names without saying what it is. */
export function indirectReference(services: EvalServices, id: string): FlakeReference {
  const attributes = new Map([['type', 'indirect'], ['id', id]]);
  return { input: checkedInput(attributes, inputSettings(services)), directory: '' };
}
