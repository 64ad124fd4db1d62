/**
 * The pages of docs/builtins, one for each builtin, from what the builtins say of themselves.
 *
 * Run as a program it writes the pages; the test compares them.
 */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtinConstants, primOpDefinitions } from '#runtime';

export const pagesFolder = join(
  dirname(fileURLToPath(import.meta.url)),
  '../../../docs/builtins',
);

/** File names and texts of all pages, with the list of them. */
export function builtinPages(): Map<string, string> {
  const pages = new Map<string, string>();
  const index: string[] = [];
  const add = (name: string, text: string): void => {
    const file = `${name.replace("'", '-strict')}.md`;
    pages.set(file, text);
    index.push(`- [${name}](${file})`);
  };
  for (const { name, args, doc, global, feature } of primOpDefinitions) {
    const call = [`builtins.${name}`, ...args].join(' ');
    const notes = [
      ...(global ? [`Also a variable of its own: \`${name}\`.`] : []),
      ...(feature === undefined
        ? []
        : [`There only with the experimental feature \`${feature}\`.`]),
    ];
    add(name, [`# ${name}`, `\`${call}\``, doc, ...notes].join('\n\n') + '\n');
  }
  for (const { name, doc, global, impureOnly } of builtinConstants) {
    const notes = [
      ...(global ? [`Also a variable of its own: \`${name}\`.`] : []),
      ...(impureOnly ? ['Not there in pure evaluation.'] : []),
    ];
    add(name, [`# ${name}`, `\`builtins.${name}\``, doc, ...notes].join('\n\n') + '\n');
  }
  index.sort();
  pages.set('README.md', `# Builtins\n\n${index.join('\n')}\n`);
  return pages;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(pagesFolder, { recursive: true });
  for (const file of readdirSync(pagesFolder)) rmSync(join(pagesFolder, file));
  for (const [file, text] of builtinPages()) writeFileSync(join(pagesFolder, file), text);
}
