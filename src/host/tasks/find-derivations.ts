/**
 * The derivations in a value: the value itself, or those in a set or list of them, going into sets
 * that say `recurseForDerivations = true`.
 */

import { NixError } from '#diagnostics';
import {
  Attrs, coerceToString, ContextCollector, force, forceBool, forceStringNoContext, isDerivation, type EvalServices,
  type Slot,
} from '#runtime';
import { autoCall } from './expression-source.ts';

export interface FoundDerivation {
  readonly drvPath: string;
  /** The output that is wanted: the one that was selected. */
  readonly output: string;
  readonly attributePath: string;
}

/** A derivation's attributes, and the attribute path where it was found. */
export interface FoundAttributes {
  readonly attrs: Attrs;
  readonly path: string;
}

/** Finds them in order of names, each once, calling functions with the automatic arguments. */
export function findDerivations(root: Slot, args: Attrs, services: EvalServices): FoundDerivation[] {
  return findDerivationSets(root, args).map(({ attrs, path }) => describe(attrs, path, services));
}

/**
 * As `findDerivations`, without asking anything of them but their names. `path` is where `root`
 * itself was found. With `skipFailing`, those whose evaluation throws or asserts are left out.
 */
export function findDerivationSets(
  root: Slot, args: Attrs, { path = '', skipFailing = false } = {},
): FoundAttributes[] {
  const found: FoundAttributes[] = [];
  new Search(args, found, skipFailing).visit(root, path);
  return found;
}

class Search {
  readonly #args: Attrs;
  readonly #found: FoundAttributes[];
  readonly #skipFailing: boolean;
  readonly #seen = new Set<Attrs>();

  constructor(args: Attrs, found: FoundAttributes[], skipFailing: boolean) {
    this.#args = args;
    this.#found = found;
    this.#skipFailing = skipFailing;
  }

  visit(slot: Slot, path: string): void {
    const value = autoCall(this.#args, slot);
    if (!this.#take(value, path)) return;
    if (value instanceof Attrs) this.#visitSet(value, path);
    else if (Array.isArray(value)) this.#visitList(value, path);
    else {
      throw new NixError('TypeError', 'expression does not evaluate to a derivation (or a set or list of those)');
    }
  }

  #visitSet(set: Attrs, path: string): void {
    const combine = set.has('_combineChannels');
    for (const name of set.names()) {
      if (!/^[A-Za-z_][A-Za-z0-9_+-]*$/.test(name)) continue;
      const inner = path === '' ? name : `${path}.${name}`;
      try {
        const slot = set.get(name)!;
        if (combine) {
          this.visit(slot, inner);
        } else if (this.#take(slot, inner)) {
          const value = force(slot);
          const recurse = value instanceof Attrs ? value.get('recurseForDerivations') : undefined;
          if (recurse !== undefined
            && forceBool(recurse, 0, 'while evaluating the attribute `recurseForDerivations`')) {
            this.visit(slot, inner);
          }
        }
      } catch (error) {
        if (error instanceof NixError) error.addTrace(set.positionOf(name), `while evaluating the attribute '${name}'`);
        throw error;
      }
    }
  }

  #visitList(list: readonly Slot[], path: string): void {
    list.forEach((slot, index) => {
      const inner = path === '' ? String(index) : `${path}.${index}`;
      if (this.#take(slot, inner)) this.visit(slot, inner);
    });
  }

  /** Takes a derivation; true if there may be some inside instead. */
  #take(slot: Slot, path: string): boolean {
    try {
      return this.#tryTake(slot, path);
    } catch (error) {
      if (this.#skipFailing && error instanceof NixError && error.isCatchable) return false;
      throw error;
    }
  }

  #tryTake(slot: Slot, path: string): boolean {
    const value = force(slot);
    if (!(value instanceof Attrs) || !isDerivation(value)) return true;
    if (this.#seen.has(value)) return false;
    this.#seen.add(value);
    const name = value.get('name');
    if (name === undefined) throw new NixError('TypeError', 'derivation name missing');
    forceStringNoContext(name, 0, "while evaluating the 'name' attribute of a derivation");
    this.#found.push({ attrs: value, path });
    return false;
  }
}

function describe(attrs: Attrs, attributePath: string, services: EvalServices): FoundDerivation {
  const slot = attrs.get('drvPath');
  if (slot === undefined) throw new NixError('Error', "derivation does not contain a 'drvPath' attribute");
  const drvPath = coerceToString(
    slot, services, new ContextCollector(), attrs.positionOf('drvPath'),
    "while evaluating the 'drvPath' attribute of a derivation", { copyToStore: false });
  const named = attrs.get('outputName');
  const output = named === undefined ? ''
    : forceStringNoContext(named, 0, 'while evaluating the output name of a derivation');
  if (output === '') throw new NixError('Error', `derivation '${drvPath}' lacks an 'outputName' attribute`);
  return { drvPath, output, attributePath };
}
