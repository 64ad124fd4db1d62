/** `nix store cat` and `nix nar cat`: a file's contents, in the store or inside a NAR. */

import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import { NarReader } from '#formats';
import { narLacksFile, notRegularFile, pathDoesNotExist, usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { filePieces } from '../listing.ts';
import { contentElsewhere } from '../files-elsewhere.ts';
import { validPlace } from '../store-command.ts';
import { writeAll } from '../write-all.ts';

export const storeCat = defineCommand({
  name: 'nix store cat', operands: 'PATH', summary: "Prints a file's contents.",
  async run(session) {
    const [operand] = session.flags.operands;
    if (operand === undefined) throw usageError('A path is required', session.name);
    const elsewhere = await contentElsewhere(session, operand);
    if (elsewhere !== undefined) return writeAll(session.context.stdout, elsewhere);
    const { place, rest } = validPlace(session, operand);
    const status = lstatSync(place + rest, { throwIfNoEntry: false });
    if (status === undefined) throw pathDoesNotExist(operand);
    if (!status.isFile()) throw notRegularFile(rest === '' ? '/' : rest);
    for (const piece of filePieces(place + rest)) await writeAll(session.context.stdout, piece);
  },
});

export const narCat = defineCommand({
  name: 'nix nar cat', operands: 'NAR PATH', summary: 'Prints the contents of a file inside a NAR.',
  async run(session) {
    const [file, path] = session.flags.operands;
    if (file === undefined || path === undefined) throw usageError('A NAR and a path in it are required', session.name);
    const wanted = encodeUtf8(path.split('/').filter(Boolean).join('/'));
    const found: Uint8Array[] = [];
    let isFound = false;
    const folders: string[] = [];
    let isWanted = false;
    const pathOf = (name: string | undefined) => [...folders, ...name === undefined ? [] : [name]].join('/');
    const reader = new NarReader({
      beginDirectory: (name) => { if (name !== undefined) folders.push(name); },
      endDirectory: () => { folders.pop(); },
      beginFile: (name) => {
        isWanted = pathOf(name) === wanted;
        isFound ||= isWanted;
      },
      contents: (bytes) => { if (isWanted) found.push(bytes.slice()); },
      endFile() {},
      symlink() {},
    });
    for (const piece of filePieces(resolve(session.context.cwd, file))) {
      reader.write(piece);
      for (const bytes of found.splice(0)) await writeAll(session.context.stdout, bytes);
    }
    reader.end();
    if (!isFound) throw narLacksFile(path);
  },
});
