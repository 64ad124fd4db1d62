/** `fetchClosure`: a store path with all that it refers to, out of a binary cache. */

import { coerceToString, forceAttrs, forceBool, forceStringNoContext } from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { nixError } from '../errors.ts';
import type { FetchAttribute } from '../host.ts';
import { ask } from '../inputs/index.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import type { Slot, Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { storePathString } from './fetchers.ts';

export const closureFetchers: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'fetchClosure',
    args: ['args'],
    feature: 'fetch-closure',
    doc:
      'Fetches the store path `fromPath` with its closure from the binary cache at the URL `fromStore`.' +
      ' The path must be named by its content, or be rewritten to `toPath`, the name that its content' +
      ' gets (an empty one makes the error tell it), or with `inputAddressed = true` be signed by a key' +
      ' that this machine trusts.',
    run: (services, args) => fetchClosure(services, args),
  }),
];

function fetchClosure(services: EvalServices, args: Slot): Value {
  const set = forceAttrs(args, 0, 'while evaluating the argument passed to builtins.fetchClosure');
  const attributes = new Map<string, FetchAttribute>();
  for (let i = 0; i < set.size; i++) {
    const name = set.nameAt(i);
    const position = set.positionAt(i);
    const text = `while evaluating the attribute '${name}' passed to builtins.fetchClosure`;
    const slot = set.slotAt(i);
    switch (name) {
      case 'fromPath':
        attributes.set(name, storePathText(services, slot, position, text));
        break;
      case 'toPath':
        attributes.set(name, force(slot, position) === '' ? '' : storePathText(services, slot, position, text));
        break;
      case 'fromStore':
        attributes.set(name, forceStringNoContext(slot, position, text));
        break;
      case 'inputAddressed':
        attributes.set(name, forceBool(slot, position, text));
        break;
      default:
        throw nixError('Error', `attribute '${name}' isn't supported in call to 'fetchClosure'`);
    }
  }
  requireAttribute(attributes, 'fromPath');
  if (attributes.get('inputAddressed') === true && attributes.has('toPath')) {
    throw nixError(
      'Error', "attribute 'inputAddressed' is set to true, but 'toPath' is also set. Please remove one of them");
  }
  requireAttribute(attributes, 'fromStore');
  return storePathString(services, ask(services, 'fetchClosure', attributes).storePath);
}

function requireAttribute(attributes: ReadonlyMap<string, FetchAttribute>, name: string): void {
  if (attributes.has(name)) return;
  throw nixError('Error', `attribute '${name}' is missing in call to 'fetchClosure'`);
}

function storePathText(services: EvalServices, slot: Slot, position: number, text: string): string {
  return coerceToString(slot, services, new ContextCollector(), position, text, { copyToStore: false });
}
