/**
 * `fetchurl` and `fetchTarball`: they check and normalise their arguments; the host does the work.
 */

import { Attrs } from '../attrs.ts';
import { forceStringNoContext } from '../coerce.ts';
import { evalError } from '../errors.ts';
import type { FetchAttribute } from '../host.ts';
import { ask, checkUri } from '../inputs/index.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { sha256Hex } from './files.ts';
import { checkStoreName } from './store-name.ts';

export const fetchers: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'fetchurl',
    args: ['arg'],
    doc:
      'Downloads a file and returns its store path. *arg* is a URL, or a set of `url`, `name` and' +
      ' `sha256`. In pure evaluation the hash must be given.',
    run: (services, arg) => fetchUrl(services, arg, 'fetchurl', ''),
  }),
  definePrimOp({
    name: 'fetchTarball',
    args: ['args'],
    global: true,
    doc:
      'Downloads an archive, unpacks it, and returns the store path of what is in it. *args* is a' +
      ' URL, or a set of `url`, `name` and `sha256`, the hash of the unpacked tree.',
    run: (services, args) => fetchUrl(services, args, 'fetchTarball', 'source'),
  }),
];

function fetchUrl(
  services: EvalServices,
  arg: Slot,
  who: 'fetchurl' | 'fetchTarball',
  defaultName: string,
): Value {
  const value = force(arg);
  let url: string | undefined;
  let sha256: string | undefined;
  let name = defaultName;
  let isNamed = false;
  if (value instanceof Attrs) {
    for (let i = 0; i < value.size; i++) {
      const slot = value.slotAt(i);
      const position = value.positionAt(i);
      switch (value.nameAt(i)) {
        case 'url':
          url = forceStringNoContext(slot, position, 'while evaluating the url we should fetch');
          break;
        case 'sha256':
          sha256 = sha256Hex(
            services,
            forceStringNoContext(
              slot,
              position,
              'while evaluating the sha256 of the content we should fetch',
            ),
          );
          break;
        case 'name':
          isNamed = true;
          name = forceStringNoContext(
            slot,
            position,
            'while evaluating the name of the content we should fetch',
          );
          break;
        default:
          throw evalError(`unsupported argument '${value.nameAt(i)}' to '${who}'`);
      }
    }
    if (url === undefined) throw evalError("'url' argument required");
  } else {
    url = forceStringNoContext(value, 0, 'while evaluating the url we should fetch');
  }
  if (who === 'fetchTarball' && url.startsWith('channel:')) {
    url = `https://channels.nixos.org/${url.slice(8)}/nixexprs.tar.xz`;
  }
  checkUri(services, url);
  if (name === '') name = url.slice(url.replace(/\/+$/, '').lastIndexOf('/') + 1);
  const remedy = isNamed
    ? `Please change the value for the 'name' attribute passed to '${who}', so that it can create` +
      ' a valid store path.'
    : value instanceof Attrs
      ? `Please add a valid 'name' attribute to the argument for '${who}', so that it can create a` +
        ' valid store path.'
      : `Please pass an attribute set with 'url' and 'name' attributes to '${who}',  so that it can` +
        ' create a valid store path.';
  checkStoreName(
    name,
    (reason) => `invalid store path name when fetching URL '${url}': ${reason}. ${remedy}`,
  );
  if (services.settings.pureEval && sha256 === undefined) {
    throw evalError(`in pure evaluation mode, '${who}' requires a 'sha256' argument`);
  }
  const attributes = new Map<string, FetchAttribute>([
    ['url', url],
    ['name', name],
  ]);
  if (sha256 !== undefined) attributes.set('sha256', sha256);
  return storePathString(services, ask(services, who, attributes).storePath);
}

/** A store path that the program may read, as a string that refers to it. */
export function storePathString(services: EvalServices, storePath: string): Value {
  services.allowStorePath(storePath);
  return new ContextString(storePath, [storePath]);
}
