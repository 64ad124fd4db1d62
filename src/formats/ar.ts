/**
 * ar archives, as .deb files are (deb(5)): a magic line, then members with a header of 60 bytes.
 *
 * Only the plain form with short names occurs in packages; GNU's long-name table is not read.
 */
import { malformedArchive } from './debian-errors.ts';

export interface ArMember {
  readonly name: string;
  /** A view of the archive's bytes. */
  readonly data: Uint8Array;
}

const magic = '!<arch>\n';
const headerBytes = 60;

/** The members of `archive` in order; `what` names it in messages. */
export function readAr(archive: Uint8Array, what: string): ArMember[] {
  if (asciiAt(archive, 0, magic.length) !== magic) {
    throw malformedArchive(what, 'it does not begin as an ar archive does');
  }
  const members: ArMember[] = [];
  let position = magic.length;
  while (position < archive.length) {
    if (position + headerBytes > archive.length) {
      throw malformedArchive(what, 'it ends within a member header');
    }
    const end = asciiAt(archive, position + 58, 2);
    const sizeText = asciiAt(archive, position + 48, 10).trim();
    if (end !== '`\n' || !/^\d+$/.test(sizeText)) {
      throw malformedArchive(what, `the member header at byte ${position} cannot be read`);
    }
    const start = position + headerBytes;
    const size = Number(sizeText);
    if (start + size > archive.length) {
      throw malformedArchive(what, `it ends after ${archive.length} bytes, within a member`);
    }
    const name = asciiAt(archive, position, 16).trimEnd().replace(/\/$/, '');
    members.push({ name, data: archive.subarray(start, start + size) });
    position = start + size + (size % 2);
  }
  return members;
}

function asciiAt(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
