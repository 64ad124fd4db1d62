/** `github:`, `gitlab:` and `sourcehut:` inputs: a repository that a server packs as an archive. */

import { nixError } from '../errors.ts';
import type { FetchAttribute } from '../host.ts';
import {
  inputToJson, narHashOf, revisionOf, textAttribute, withAttributes, type Input,
} from './attributes.ts';
import { isLegalRef, isRevision } from './git-names.ts';
import type { Scheme } from './scheme.ts';
import { BadUrl, printUrl, type Url } from './url.ts';

export type Forge = 'github' | 'gitlab' | 'sourcehut';

export function forgeScheme(name: Forge): Scheme {
  return {
    name,
    feature: 'flakes',
    attributes: new Set(['owner', 'repo', 'ref', 'rev', 'narHash', 'lastModified', 'host', 'treeHash']),
    fromUrl: (url) => (url.scheme === name ? fromUrl(url, name) : undefined),
    check,
    toUrl: (input) => toUrl(input, name),
    isLocked: (input, settings) => input.has('rev') && (settings.trustForges || input.has('narHash')),
    override(input, ref, revision) {
      if (ref !== undefined && revision !== undefined) {
        throw new BadUrl(
          `cannot apply both a commit hash (${revision}) and a branch/tag name ('${ref}') to input` +
            ` '${printUrl(toUrl(input, name))}'`);
      }
      if (revision !== undefined) return withAttributes(input, { rev: revision, ref: undefined });
      return ref === undefined ? input : withAttributes(input, { ref, rev: undefined });
    },
  };
}

function fromUrl(url: Url, type: string): Input {
  const [owner, repo, ...rest] = url.path.filter((part) => part !== '');
  if (owner === undefined || repo === undefined) throw new BadUrl(`URL '${printUrl(url)}' is invalid`);
  const input = new Map<string, FetchAttribute>();
  if (rest.length === 1 && isRevision(rest[0]!)) input.set('rev', rest[0]!);
  else if (rest.length > 0) input.set('ref', rest.join('/'));
  for (const [name, value] of url.query) {
    if (name !== 'rev' && name !== 'ref' && name !== 'host' && name !== 'narHash') {
      throw new BadUrl(`URL '${printUrl(url)}' contains unknown parameter '${name}'`);
    }
    if (input.has(name)) {
      const what = name === 'rev' ? 'commit hashes' : 'branch/tag names';
      throw new BadUrl(`URL '${printUrl(url)}' contains multiple ${what}`);
    }
    input.set(name, value);
  }
  return input.set('type', type).set('owner', owner).set('repo', repo);
}

function check(input: Input): Input {
  for (const name of ['owner', 'repo']) {
    if (textAttribute(input, name) === undefined) throw nixError('Error', `input attribute '${name}' is missing`);
  }
  const ref = textAttribute(input, 'ref');
  const revision = textAttribute(input, 'rev');
  if (ref !== undefined && revision !== undefined) {
    throw new BadUrl(
      `input ${inputToJson(input)} contains both a commit hash ('${revision}') and a branch/tag name ('${ref}')`);
  }
  if (ref !== undefined && !isLegalRef(ref)) {
    throw new BadUrl(`input ${inputToJson(input)} contains an invalid branch/tag name`);
  }
  if (!/^[a-zA-Z0-9.-]*$/.test(textAttribute(input, 'host') ?? '')) {
    throw new BadUrl(`input ${inputToJson(input)} contains an invalid instance host`);
  }
  return input;
}

function toUrl(input: Input, scheme: string): Url {
  const path = [String(input.get('owner')), String(input.get('repo'))];
  const reached = revisionOf(input) ?? textAttribute(input, 'ref');
  if (reached !== undefined) path.push(reached);
  const query = new Map<string, string>();
  const narHash = narHashOf(input);
  if (narHash !== undefined) query.set('narHash', narHash);
  const host = textAttribute(input, 'host');
  if (host !== undefined) query.set('host', host);
  return { scheme, path, query, fragment: '' };
}
