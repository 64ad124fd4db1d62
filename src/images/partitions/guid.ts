/**
 * GUIDs as partition tables have them: the first three groups little-endian, the rest as written.
 *
 * Those that Firn makes come from a seed and a role, so that equal images have equal ones.
 */
import { createHash } from 'node:crypto';
import { assert } from '#base';

/** `C12A7328-F81F-11D2-BA4B-00A0C93EC93B` */
export type Guid = string;

export const partitionTypes = {
  efiSystem: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  basicData: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  linuxFileSystem: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  biosBoot: '21686148-6449-6E6F-744E-656564454649',
} as const satisfies Record<string, Guid>;

export function encodeGuid(guid: Guid): Uint8Array {
  const digits = guid.replaceAll('-', '');
  assert(/^[0-9A-Fa-f]{32}$/.test(digits), `${guid} is no GUID`);
  const bytes = Uint8Array.from({ length: 16 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
  return swapped(bytes);
}

export function decodeGuid(bytes: Uint8Array): Guid {
  const digits = [...swapped(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const groups = [0, 8, 12, 16, 20, 32];
  return groups
    .slice(1)
    .map((end, i) => digits.slice(groups[i], end))
    .join('-')
    .toUpperCase();
}

/** A GUID of version 4 in form, from a hash. */
export function derivedGuid(seed: string, role: string): Guid {
  const bytes = new Uint8Array(
    createHash('sha256').update(`${seed}\0${role}`).digest().subarray(0, 16),
  );
  bytes[7] = (bytes[7]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return decodeGuid(bytes);
}

function swapped(bytes: Uint8Array): Uint8Array {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Uint8Array.from(order, (from) => bytes[from]!);
}
