/** The names that messages have for the trees of fetched inputs. */

import { registerTree } from '#diagnostics';
import type { EvalServices } from '../services.ts';
import type { FetchResult } from '../host.ts';
import { withAttributes, type Input } from './attributes.ts';
import { inputToUrl } from './input.ts';
import { parseUrl, urlPathToFile } from './url.ts';

/** Names the tree that an input was fetched to: a repository that is worked on by its folder. */
export function nameTree(services: EvalServices, input: Input, { storePath, attributes }: FetchResult): void {
  const type = String(input.get('type'));
  if (!named.has(type)) return;
  const url = type === 'git' && !input.has('rev') && !input.has('ref') ? parseUrl(String(input.get('url'))) : undefined;
  if (url?.scheme === 'file') {
    nameWorkTree(services, storePath, urlPathToFile(url.path).replace(/\/+$/, ''));
    return;
  }
  const name = (): string => `\xc2\xab${inputToUrl(withAttributes(attributes, unsaid))}\xc2\xbb`;
  registerTree(storePath, { name, missing: (inner) => `'${name()}/${inner}' does not exist` });
}

/** The types of inputs whose trees have a revision. */
const named: ReadonlySet<string> = new Set(['git', 'hg', 'github', 'gitlab', 'sourcehut']);

/** What an address does not say in messages. */
const unsaid = {
  narHash: undefined, lastModified: undefined, revCount: undefined, revCountIn: undefined, __final: undefined,
} as const;

/** What Git does not know of is not in the copy: the usual reason why a file is not there. */
function nameWorkTree({ host }: EvalServices, storePath: string, folder: string): void {
  registerTree(storePath, {
    name: () => folder,
    missing(inner) {
      // Of a folder that is not there, the folder is to blame.
      const parts = inner.split('/');
      const first = parts.findIndex((_, index) => host.lstat(`${storePath}/${parts.slice(0, index + 1).join('/')}`) === null);
      const path = parts.slice(0, first + 1).join('/');
      if (host.lstat(`${folder}/${path}`) === null) return `Path '${path}' does not exist in Git repository "${folder}".`;
      return `Path '${path}' in the repository "${folder}" is not tracked by Git.\n\n`
        + `To make it visible to Nix, run:\n\ngit -C "${folder}" add "${path}"`;
    },
  });
}
