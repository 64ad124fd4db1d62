/**
 * The URL of a binary cache with its parameters, as `substituters` and `--to` name it:
 * `https://cache.example.org?priority=10&trusted=1`, `file:///srv/cache?compression=xz`,
 * `s3://bucket?region=eu-west-1`.
 *
 * The parameters are for us and are never sent.
 */

import { fileURLToPath } from 'node:url';
import { badCacheUrl } from './errors.ts';
import { parseS3Location, type S3Location } from './s3-location.ts';

export interface CacheUrl {
  /** Without parameters, password and trailing slash; names the cache in messages. */
  readonly name: string;
  /** The folder, for `file:`. */
  readonly directory?: string;
  /** With the user's name and password if they stood there, for `http:`, `https:` and `s3:`. */
  readonly base?: URL;
  /** How requests are signed, for `s3:`. */
  readonly s3?: S3Location;
  /** Over the one that the cache gives itself. */
  readonly priority?: number;
  /** What it gives needs no signature. */
  readonly trusted: boolean;
  /** How NARs written there are compressed. */
  readonly compression?: string;
  readonly compressionLevel?: number;
  /** Files of keys that sign what is written there. */
  readonly secretKeyFiles: readonly string[];
  /** NARs are compressed several at once. */
  readonly parallelCompression: boolean;
  /** A listing of the files is written beside each description. */
  readonly writeListing: boolean;
  /** Files of debug information are found by their build IDs. */
  readonly indexDebugInfo: boolean;
  /** What a cache made there says of itself. */
  readonly wantMassQuery?: boolean;
  /** The logical store, where it is not the usual one. */
  readonly storeDirectory?: string;
  /** A folder that keeps NARs and listings that were read one file at a time. */
  readonly localNarCache?: string;
}

/** Parses the URL of a cache; a path that begins with a slash is not one. */
export function parseCacheUrl(text: string): CacheUrl {
  const mark = text.indexOf('?');
  const plain = mark < 0 ? text : text.slice(0, mark);
  const parameters = new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1));
  if (!/^(file|https?|s3):\/\//.test(plain)) throw badCacheUrl(text, 'it begins with neither file, http, https nor s3');
  const priority = numberOf(text, parameters, 'priority');
  const level = numberOf(text, parameters, 'compression-level');
  const compression = parameters.get('compression');
  const localNarCache = parameters.get('local-nar-cache');
  const storeDirectory = parameters.get('store');
  const has = (name: string): boolean => isOn(parameters.get(name));
  const common = {
    trusted: has('trusted'), parallelCompression: has('parallel-compression'),
    writeListing: has('write-nar-listing'), indexDebugInfo: has('index-debug-info'),
    ...(parameters.has('want-mass-query') ? { wantMassQuery: has('want-mass-query') } : {}),
    ...(localNarCache ? { localNarCache } : {}),
    ...(storeDirectory ? { storeDirectory } : {}),
    secretKeyFiles: [parameters.get('secret-key'), ...(parameters.get('secret-keys') ?? '').split(',')]
      .filter((file): file is string => Boolean(file)),
    ...(priority === undefined ? {} : { priority }),
    ...(level === undefined ? {} : { compressionLevel: level }),
    ...(compression === null ? {} : { compression }),
  };
  if (plain.startsWith('s3:')) {
    const s3 = parseS3Location(text, plain, parameters);
    return { ...common, base: s3.base, s3, name: plain.replace(/\/+$/, '') };
  }
  let url;
  try {
    url = new URL(plain.replace(/\/+$/, plain.startsWith('file:') ? '/' : ''));
  } catch (error) {
    throw badCacheUrl(text, (error as Error).message);
  }
  if (url.protocol !== 'file:') {
    const shown = new URL(url);
    shown.username = '';
    shown.password = '';
    return { ...common, base: url, name: shown.href.replace(/\/+$/, '') };
  }
  if (url.host !== '') throw badCacheUrl(text, 'a file URL has three slashes');
  const directory = fileURLToPath(url).replace(/(?<=.)\/+$/, '');
  return { ...common, directory, name: `file://${directory}` };
}

/** Whether a parameter says yes. */
export function isOn(value: string | null): boolean {
  return value !== null && /^(1|true|yes)$/.test(value);
}

function numberOf(text: string, parameters: URLSearchParams, name: string): number | undefined {
  const value = parameters.get(name);
  if (value === null) return undefined;
  if (!/^[0-9]{1,9}$/.test(value)) throw badCacheUrl(text, `'${name}' is not a number`);
  return Number(value);
}
