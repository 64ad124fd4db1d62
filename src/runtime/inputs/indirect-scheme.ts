/** `flake:` inputs: names that a registry resolves. */

import type { FetchAttribute } from '../host.ts';
import { revisionOf, textAttribute, withAttributes } from './attributes.ts';
import { isLegalRef, isRevision } from './git-names.ts';
import type { Scheme } from './scheme.ts';
import { BadUrl, printUrl } from './url.ts';

const flakeId = /^[a-zA-Z][a-zA-Z0-9_-]*$/;

export const indirectScheme: Scheme = {
  name: 'indirect',
  feature: 'flakes',
  attributes: new Set(['id', 'ref', 'rev', 'narHash']),
  fromUrl(url) {
    if (url.scheme !== 'flake') return undefined;
    const [id = '', second, third, ...more] = url.path.filter((part) => part !== '');
    const shown = () => printUrl(url);
    const input = new Map<string, FetchAttribute>([['type', 'indirect'], ['id', id]]);
    if (more.length > 0) throw new BadUrl(`GitHub URL '${shown()}' is invalid`);
    if (third !== undefined) {
      if (!isLegalRef(second!)) throw new BadUrl(`in flake URL '${shown()}', '${second}' is not a branch/tag name`);
      if (!isRevision(third)) throw new BadUrl(`in flake URL '${shown()}', '${third}' is not a commit hash`);
      input.set('ref', second!).set('rev', third);
    } else if (second !== undefined) {
      if (isRevision(second)) input.set('rev', second);
      else if (isLegalRef(second)) input.set('ref', second);
      else throw new BadUrl(`in flake URL '${shown()}', '${second}' is not a commit hash or branch/tag name`);
    }
    return indirectScheme.check(input, { requireFeature: () => {}, trustForges: true });
  },
  check(input) {
    const id = textAttribute(input, 'id') ?? '';
    if (!flakeId.test(id)) throw new BadUrl(`'${id}' is not a valid flake ID`);
    return input;
  },
  toUrl(input) {
    const path = [String(input.get('id'))];
    const ref = textAttribute(input, 'ref');
    if (ref !== undefined) path.push(ref);
    const revision = revisionOf(input);
    if (revision !== undefined) path.push(revision);
    return { scheme: 'flake', path, query: new Map(), fragment: '' };
  },
  isLocked: () => false,
  override: (input, ref, revision) => withAttributes(input, {
    ...(revision === undefined ? {} : { rev: revision }), ...(ref === undefined ? {} : { ref }),
  }),
};
