/**
 * Static scopes: which JavaScript variable stands for a Nix variable.
 *
 * A `with` is a scope of unknown names: it is asked only when no scope around the variable, however
 * far out, has the name.
 */

import type { Offset } from './tree.ts';

export interface Variable {
  /** JavaScript name. */
  readonly code: string;
  /** The function in which it is declared. */
  readonly owner: object;
  /** False until its initialiser ran: its function may not read it directly before. */
  ready: boolean;
  /** It never holds a thunk. */
  isValue: boolean;
  used: boolean;
}

export type Scope =
  | { readonly kind: 'names'; readonly up: Scope | undefined; readonly names: Map<string, Variable> }
  | { readonly kind: 'with'; readonly up: Scope | undefined; readonly code: string; readonly at: Offset };

/** What a name refers to. */
export type Reference =
  | { readonly kind: 'variable'; readonly variable: Variable }
  | { readonly kind: 'with'; readonly scopes: readonly { readonly code: string; readonly at: Offset }[] }
  | { readonly kind: 'free' };

/** Finds a name: a variable, else the `with`s around, innermost first, else nothing. */
export function resolve(scope: Scope | undefined, name: string): Reference {
  let withs: { code: string; at: Offset }[] | undefined;
  for (let current = scope; current !== undefined; current = current.up) {
    if (current.kind === 'with') {
      (withs ??= []).push(current);
    } else {
      const variable = current.names.get(name);
      if (variable !== undefined) {
        variable.used = true;
        return { kind: 'variable', variable };
      }
    }
  }
  return withs === undefined ? { kind: 'free' } : { kind: 'with', scopes: withs };
}
