/** Builtins that hash, and that write hashes in other notations. */

import { formatHash, hashOf, isHashAlgorithm, parseHash, parseHashAlgorithm } from '#base';
import type { HashAlgorithm, HashFormat } from '#base';
import { forceAttrs, forceString, forceStringNoContext } from '../coerce.ts';
import { featureRequired, usageError, withUserErrors } from './errors.ts';
import type { EvalServices } from '../services.ts';
import { requireAttr } from './attrsets.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { readBytes, realisePath } from './paths.ts';

export const hashing: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'hashString',
    args: ['type', 's'],
    doc:
      'The hash of the string *s* in base 16. *type* is `"md5"`, `"sha1"`, `"sha256"`, `"sha512"`' +
      ' or, with the feature `blake3-hashes`, `"blake3"`.',
    run: (services, type, s) => {
      const algorithm = hashAlgorithm(
        services,
        forceStringNoContext(
          type,
          0,
          'while evaluating the first argument passed to builtins.hashString',
        ),
      );
      const text = forceString(
        s,
        0,
        'while evaluating the second argument passed to builtins.hashString',
      );
      return formatHash(hashOf(algorithm, text), 'base16');
    },
  }),
  definePrimOp({
    name: 'hashFile',
    args: ['type', 'path'],
    doc: 'The hash of the content of the file at *path* in base 16; *type* as for `hashString`.',
    run: (services, type, path) => {
      const algorithm = hashAlgorithm(
        services,
        forceStringNoContext(
          type,
          0,
          'while evaluating the first argument passed to builtins.hashFile',
        ),
      );
      const file = realisePath(services, path);
      return formatHash(hashOf(algorithm, readBytes(services, file)), 'base16');
    },
  }),
  definePrimOp({
    name: 'convertHash',
    args: ['args'],
    doc:
      'Writes a hash in another notation. The set has `hash`, `toHashFormat` (`"base16"`,' +
      ' `"nix32"`, `"base64"` or `"sri"`) and, unless the hash says it, `hashAlgo`.',
    run: (services, args) => {
      const attrs = forceAttrs(
        args,
        0,
        'while evaluating the first argument passed to builtins.convertHash',
      );
      const text = forceStringNoContext(
        requireAttr(attrs, 'hash', "while locating the attribute 'hash'"),
        0,
        "while evaluating the attribute 'hash'",
      );
      const named = attrs.get('hashAlgo');
      const algorithm =
        named === undefined
          ? undefined
          : hashAlgorithm(
              services,
              forceStringNoContext(named, 0, "while evaluating the attribute 'hashAlgo'"),
            );
      const format = hashFormat(
        services,
        forceStringNoContext(
          requireAttr(attrs, 'toHashFormat', "while locating the attribute 'toHashFormat'"),
          0,
          "while evaluating the attribute 'toHashFormat'",
        ),
      );
      return withUserErrors(() => formatHash(parseHash(text, algorithm), format));
    },
  }),
];

/** The algorithm called `name`, if it may be used. */
export function hashAlgorithm(services: EvalServices, name: string): HashAlgorithm {
  if (!isHashAlgorithm(name)) return withUserErrors(() => parseHashAlgorithm(name));
  if (name === 'blake3' && !services.settings.features.has('blake3-hashes')) {
    throw featureRequired('blake3-hashes');
  }
  return name;
}

function hashFormat(services: EvalServices, name: string): HashFormat {
  switch (name) {
    case 'base16':
    case 'nix32':
    case 'base64':
    case 'sri':
      return name;
    case 'base32':
      services.warn('"base32" is a deprecated alias for hash format "nix32".');
      return 'nix32';
  }
  throw usageError(
    `unknown hash format '${name}', expect 'base16', 'base32', 'base64', or 'sri'`,
  );
}
