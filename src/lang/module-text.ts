/**
 * The frame of emitted modules and chunks: their parameters, and what they declare at their top.
 */

import type { Variable } from './scope.ts';

/** Names of the support functions, in the order in which a module takes them as parameters. */
export const supportNames = [
  'T', 'L', 'A', 'F', 'E', 'H', 'I', 'N', 'G', 'C', 'C2', 'C3', 'CN', 'S', 'SN', 'SO', 'SNO',
  'Q', 'q', 'W', 'J', 'JN', 'V', 'U', 'b', 'FA', 'FP', 'eq', 'lt', 'sub', 'mul', 'div', 'up',
  'cat', 'add', 'path', 'str', 'join', 'join2', 'P', 'D', 'dyn', 'over', 'fail', 'pos', 'name',
  'tr',
] as const;

const moduleParameters = [...supportNames, 'B', 'X', 'Z'].join(',');

/** What a module or a chunk declares at its top. */
export interface ModuleState {
  /** Variables filled when first wanted. */
  readonly lazyNames: string[];
  readonly globals: Map<string, Variable>;
  readonly constants: Map<string, string>;
}

export function newModuleState(): ModuleState {
  return { lazyNames: [], globals: new Map(), constants: new Map() };
}

/** A chunk that is being filled. */
export interface Chunk {
  readonly index: number;
  readonly state: ModuleState;
  readonly functions: string[];
  size: number;
}

/** Characters of code from which on a shared chunk is full. */
export const chunkSize = 8000;

/** The text of a module: its declarations, and a statement that returns its value. */
export function moduleText(state: ModuleState, statement: string): string {
  const { globals, constants, lazyNames } = state;
  let head = '';
  for (const [name, variable] of globals) {
    head += `const ${variable.code}=G(${JSON.stringify(name)});`;
  }
  for (const [code, name] of constants) head += `const ${name}=${code};`;
  if (lazyNames.length > 0) head += `let ${lazyNames.join(',')};`;
  return `(${moduleParameters})=>{${head}${statement}}`;
}
