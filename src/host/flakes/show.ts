/**
 * The outputs of a flake as a tree: `nix flake show`.
 *
 * Only what the conventional outputs hold is looked into; everything else is named and left alone, so
 * that a flake with much in it is shown without being evaluated as a whole.
 */

import { NixError } from '#diagnostics';
import {
  Attrs, coerceToString, ContextCollector, force, isDerivation, type Slot, type Value,
} from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { branches } from './metadata.ts';

export interface ShowOptions {
  /** The system whose outputs are shown; all of them if undefined. */
  readonly system: string | undefined;
  readonly legacy: boolean;
}

/** JSON of what is shown; byte strings. */
export type ShownJson = { [name: string]: ShownJson | string };

export interface Shown {
  /** Byte strings. */
  readonly lines: readonly string[];
  readonly json: ShownJson;
}

export function showOutputs(session: EvaluationSession, outputs: Attrs, title: string, options: ShowOptions): Shown {
  const shower = new Shower(session, options);
  const json = shower.visit(outputs, [], title, '');
  return { lines: shower.lines, json };
}

const perSystem = new Set(['checks', 'packages', 'devShells']);
const recursed = new Set([
  'apps', 'checks', 'defaultApp', 'defaultPackage', 'devShell', 'devShells', 'formatter', 'nixosConfigurations', 'nixosModules',
  'overlays', 'packages', 'templates',
]);
const maybeEmpty = new Set(['apps', 'checks', 'devShells', 'legacyPackages', 'packages']);
const maybeEmptyAtTop = new Set(['formatter', 'nixosConfigurations', 'nixosModules', 'overlays']);

class Shower {
  readonly lines: string[] = [];
  readonly #session: EvaluationSession;
  readonly #options: ShowOptions;

  constructor(session: EvaluationSession, options: ShowOptions) {
    this.#session = session;
    this.#options = options;
  }

  visit(slot: Slot, path: readonly string[], header: string, prefix: string): ShownJson {
    try {
      return this.#visit(slot, path, header, prefix);
    } catch (error) {
      // Packages that do not evaluate are usual there.
      if (!(error instanceof NixError) || path[0] !== 'legacyPackages') throw error;
      return {};
    }
  }

  #visit(slot: Slot, path: readonly string[], header: string, prefix: string): ShownJson {
    const [kind = ''] = path;
    const depth = path.length;
    if (depth === 0 || (depth === 1 && recursed.has(kind)) || (depth === 2 && (perSystem.has(kind) || kind === 'apps'))) {
      return this.#recurse(slot, path, header, prefix);
    }
    const isPackage = (depth === 2 && /^(?:defaultPackage|devShell|formatter)$/.test(kind))
      || (depth === 3 && perSystem.has(kind));
    if (isPackage) return this.#ofOtherSystem(path, header) ?? this.#package(slot, path, header);
    if (kind === 'hydraJobs') {
      return this.#withoutBuilding(header, () => {
        const value = force(slot);
        return isDerivationValue(value) ? this.#derivation(value, path, header) : this.#recurse(slot, path, header, prefix);
      });
    }
    if (kind === 'legacyPackages') return this.#legacy(slot, path, header, prefix);
    if ((depth === 2 && kind === 'defaultApp') || (depth === 3 && kind === 'apps')) return this.#app(slot, header);
    if ((depth === 1 && kind === 'defaultTemplate') || (depth === 2 && kind === 'templates')) {
      const description = this.#text(force(slot), 'description') ?? '';
      this.lines.push(`${header}: template: ${description}`);
      return { type: 'template', description };
    }
    return this.#other(path, header);
  }

  #recurse(slot: Slot, path: readonly string[], header: string, prefix: string): ShownJson {
    this.lines.push(header);
    const value = force(slot);
    const set = value instanceof Attrs ? value : Attrs.fromEntries([]);
    const names = set.names().filter((name) => this.#hasContent(set.get(name)!, [...path, name]));
    const json: ShownJson = {};
    names.forEach((name, index) => {
      const isLast = index === names.length - 1;
      const inner = `${prefix}${isLast ? branches.last : branches.middle}${name}`;
      json[name] = this.visit(
        set.get(name)!, [...path, name], inner, prefix + (isLast ? branches.blank : branches.line));
    });
    return json;
  }

  /** Frameworks make sets for every system, empty or not. */
  #hasContent(slot: Slot, path: readonly string[]): boolean {
    const [kind = ''] = path;
    const looksInside = (maybeEmpty.has(kind) && path.length <= 2) || (maybeEmptyAtTop.has(kind) && path.length === 1);
    if (!looksInside) return true;
    try {
      const value = force(slot);
      return !(value instanceof Attrs) || value.names().some((name) => this.#hasContent(value.get(name)!, [...path, name]));
    } catch (error) {
      if (error instanceof NixError) return true;
      throw error;
    }
  }

  #ofOtherSystem(path: readonly string[], header: string): ShownJson | undefined {
    const { system } = this.#options;
    if (system === undefined || path[1] === system) return undefined;
    this.lines.push(`${header} omitted (use '--all-systems' to show)`);
    return {};
  }

  #package(slot: Slot, path: readonly string[], header: string): ShownJson {
    return this.#withoutBuilding(header, () => {
      const value = force(slot);
      if (isDerivationValue(value)) return this.#derivation(value, path, header);
      this.#session.evaluator.warn(`${path.join('.')} is not a derivation`);
      return {};
    });
  }

  #legacy(slot: Slot, path: readonly string[], header: string, prefix: string): ShownJson {
    if (path.length === 1) return this.#recurse(slot, path, header, prefix);
    if (!this.#options.legacy) {
      this.lines.push(`${header} omitted (use '--legacy' to show)`);
      return {};
    }
    return this.#ofOtherSystem(path, header) ?? this.#withoutBuilding(header, () => {
      const value = force(slot);
      if (isDerivationValue(value)) return this.#derivation(value, path, header);
      return path.length <= 2 ? this.#recurse(slot, path, header, prefix) : {};
    });
  }

  #derivation(value: Attrs, path: readonly string[], header: string): ShownJson {
    const name = this.#text(value, 'name') ?? '';
    const kind = /^devShells?$/.test(path[0]!) ? 'development environment'
      : /^(?:checks|hydraJobs)$/.test(path[0]!) ? 'derivation' : 'package';
    this.lines.push(`${header}: ${kind} '${name}'`);
    return { type: 'derivation', name, description: this.#description(value) ?? '' };
  }

  #app(slot: Slot, header: string): ShownJson {
    const value = force(slot);
    if (this.#text(value, 'type') !== 'app') throw new NixError('EvalError', 'not an app definition');
    const description = this.#description(value);
    this.lines.push(`${header}: app: ${description ?? 'no description'}`);
    return { type: 'app', ...(description === undefined ? {} : { description }) };
  }

  #other(path: readonly string[], header: string): ShownJson {
    const [kind = ''] = path;
    const at = (depth: number, name: string) => path.length === depth && kind === name;
    const [type, text] = at(1, 'overlay') || at(2, 'overlays') ? ['nixpkgs-overlay', 'Nixpkgs overlay']
      : at(2, 'nixosConfigurations') ? ['nixos-configuration', 'NixOS configuration']
      : at(1, 'nixosModule') || at(2, 'nixosModules') ? ['nixos-module', 'NixOS module'] : ['unknown', 'unknown'];
    this.lines.push(`${header}: ${text}`);
    return { type: type! };
  }

  #description(value: Value): string | undefined {
    const meta = value instanceof Attrs ? value.get('meta') : undefined;
    return meta === undefined ? undefined : this.#text(force(meta), 'description');
  }

  #text(value: Value, name: string): string | undefined {
    const slot = value instanceof Attrs ? value.get(name) : undefined;
    if (slot === undefined) return undefined;
    return coerceToString(slot, this.#session.evaluator, new ContextCollector(), 0, '', { copyToStore: false });
  }

  /** Nothing is built only to be shown. */
  #withoutBuilding(header: string, action: () => ShownJson): ShownJson {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof NixError) || error.kind !== 'IFDError') throw error;
      this.lines.push(`${header} omitted due to use of import from derivation`);
      return {};
    }
  }
}

function isDerivationValue(value: Value): value is Attrs {
  return value instanceof Attrs && isDerivation(value);
}
