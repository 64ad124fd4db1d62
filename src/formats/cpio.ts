/**
 * cpio archives of the kind Linux unpacks as its initial file system: "newc" (magic 070701).
 *
 * A member is a 110-byte ASCII header of thirteen 8-digit hexadecimal fields, the NUL-terminated
 * name, and the content; name and content are each padded to four bytes, counted from the start of
 * the archive. The member named TRAILER!!! ends an archive. The kernel accepts several archives
 * after one another, with zero bytes between them; so does `readCpio`.
 *
 * Names and link targets are byte strings (one character per byte). Invariant: everything in the
 * encoding comes from the entry, nothing from the host, so equal entries give equal bytes.
 */
import { UserError } from '#base';

export interface CpioHeader {
  readonly name: string;
  /** Type and permission bits as in `st_mode`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Members with the same inode and a link count above one are the same file. */
  readonly inode: number;
  readonly linkCount: number;
  readonly sizeBytes: number;
  /** The number of a device node. */
  readonly device?: { readonly major: number; readonly minor: number };
}

export interface CpioEntry extends CpioHeader {
  /** A file's bytes or a symbolic link's target. A view on the archive. */
  readonly data: Uint8Array;
}

const headerBytes = 110;
const trailerName = 'TRAILER!!!';

/** The header with name and padding; its start must be a multiple of four in the archive. */
export function encodeCpioHeader(header: CpioHeader): Uint8Array {
  const nameBytes = header.name.length + 1;
  const bytes = new Uint8Array(alignFour(headerBytes + nameBytes));
  const fields = [
    header.inode,
    header.mode,
    header.uid,
    header.gid,
    header.linkCount,
    header.mtime,
    header.sizeBytes,
    0,
    0,
    header.device?.major ?? 0,
    header.device?.minor ?? 0,
    nameBytes,
    0,
  ];
  putAscii(bytes, 0, '070701' + fields.map((field) => hex8(field, header.name)).join(''));
  putAscii(bytes, headerBytes, header.name);
  return bytes;
}

/** The padding that follows a content of this length. */
export function cpioPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array(alignFour(sizeBytes) - sizeBytes);
}

/** The end of an archive. `positionBytes` (where it starts) lets it end on a multiple of 512. */
export function encodeCpioTrailer(positionBytes: number): Uint8Array {
  const trailer = encodeCpioHeader({
    name: trailerName,
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: 0,
    inode: 0,
    linkCount: 1,
    sizeBytes: 0,
  });
  const end = Math.ceil((positionBytes + trailer.length) / 512) * 512;
  const bytes = new Uint8Array(end - positionBytes);
  bytes.set(trailer);
  return bytes;
}

/**
 * The members of all archives that stand after one another in `bytes`. Stops where something else
 * than an archive or zero padding begins; `end` says where.
 * Throws `CPIO_MALFORMED` at a damaged member.
 */
export function readCpio(bytes: Uint8Array): { entries: CpioEntry[]; end: number } {
  const entries: CpioEntry[] = [];
  let position = 0;
  for (;;) {
    while (position < bytes.length && bytes[position] === 0) position++;
    if (position >= bytes.length || !startsWithMagic(bytes, position)) {
      return { entries, end: position };
    }
    for (;;) {
      const { entry, next } = readMember(bytes, position);
      position = next;
      if (entry.name === trailerName) break;
      entries.push(entry);
    }
  }
}

function readMember(bytes: Uint8Array, start: number): { entry: CpioEntry; next: number } {
  if (!startsWithMagic(bytes, start)) throw malformed(start, 'a member without the newc magic');
  const field = (index: number): number => {
    const text = ascii(bytes, start + 6 + index * 8, 8);
    if (!/^[0-9A-Fa-f]{8}$/.test(text)) throw malformed(start, 'a header field that is no number');
    return Number.parseInt(text, 16);
  };
  if (start + headerBytes > bytes.length) throw malformed(start, 'a header cut short');
  const sizeBytes = field(6);
  const nameBytes = field(11);
  if (nameBytes < 1 || nameBytes > 4096) throw malformed(start, 'a name of impossible length');
  const dataStart = start + alignFour(headerBytes + nameBytes);
  const dataEnd = dataStart + sizeBytes;
  if (dataEnd > bytes.length) throw malformed(start, 'a content cut short');
  const entry: CpioEntry = {
    name: ascii(bytes, start + headerBytes, nameBytes - 1),
    inode: field(0),
    mode: field(1),
    uid: field(2),
    gid: field(3),
    linkCount: field(4),
    mtime: field(5),
    sizeBytes,
    device: { major: field(9), minor: field(10) },
    data: bytes.subarray(dataStart, dataEnd),
  };
  return { entry, next: Math.min(bytes.length, dataStart + alignFour(sizeBytes)) };
}

function startsWithMagic(bytes: Uint8Array, position: number): boolean {
  const magic = ascii(bytes, position, 6);
  return magic === '070701' || magic === '070702';
}

function malformed(position: number, found: string): UserError {
  return new UserError('CPIO_MALFORMED', `The cpio archive has ${found} at byte ${position}`, {
    hint: 'Make the archive again; this one is damaged or not of the newc kind',
  });
}

function hex8(value: number, name: string): string {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new UserError(
      'CPIO_FIELD_RANGE',
      `The cpio member ${name} has the number ${value}, which does not fit in 32 bits`,
      {
        hint: 'A file in an initrd must be smaller than 4 GiB and dated between 1970 and 2106',
      },
    );
  }
  return value.toString(16).padStart(8, '0').toUpperCase();
}

const alignFour = (length: number): number => Math.ceil(length / 4) * 4;

function putAscii(bytes: Uint8Array, start: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  const end = Math.min(bytes.length, start + length);
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
