/** Small kernel modules, made by hand: an ELF object with .modinfo and a symbol table. */

export interface SampleModule {
  readonly info: readonly string[];
  readonly exports?: readonly string[];
  readonly imports?: readonly string[];
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly link: number;
  readonly entryBytes: number;
  readonly bytes: Buffer;
}

/** A 64-bit little-endian relocatable object for x86-64. */
export function sampleModule(module: SampleModule): Uint8Array {
  const strings = [
    '',
    ...(module.exports ?? []).map((name) => `__crc_${name}`),
    ...(module.imports ?? []),
  ];
  const table: Buffer[] = [Buffer.alloc(24)];
  let names = Buffer.from('\0');
  for (const [index, name] of strings.slice(1).entries()) {
    const symbol = Buffer.alloc(24);
    symbol.writeUInt32LE(names.length, 0);
    symbol[4] = 0x10;
    // Exported ones are absolute, needed ones undefined.
    symbol.writeUInt16LE(index < (module.exports ?? []).length ? 0xfff1 : 0, 6);
    symbol.writeUInt32LE(0x12345678, 8);
    table.push(symbol);
    names = Buffer.concat([names, Buffer.from(`${name}\0`)]);
  }
  return object([
    {
      name: '.modinfo',
      type: 1,
      link: 0,
      entryBytes: 0,
      bytes: Buffer.from(module.info.map((line) => `${line}\0`).join('')),
    },
    { name: '.symtab', type: 2, link: 3, entryBytes: 24, bytes: Buffer.concat(table) },
    { name: '.strtab', type: 3, link: 0, entryBytes: 0, bytes: names },
  ]);
}

function object(given: readonly Section[]): Uint8Array {
  const nameTable = '\0' + [...given.map(({ name }) => name), '.shstrtab'].join('\0') + '\0';
  const sections = [
    ...given,
    { name: '.shstrtab', type: 3, link: 0, entryBytes: 0, bytes: Buffer.from(nameTable) },
  ];
  const parts: Buffer[] = [Buffer.alloc(64)];
  const headers: Buffer[] = [Buffer.alloc(64)];
  let at = 64;
  for (const { name, type, link, entryBytes, bytes } of sections) {
    const padded = Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
    const header = Buffer.alloc(64);
    header.writeUInt32LE(nameTable.indexOf(`\0${name}\0`) + 1, 0);
    header.writeUInt32LE(type, 4);
    header.writeBigUInt64LE(BigInt(at), 24);
    header.writeBigUInt64LE(BigInt(bytes.length), 32);
    header.writeUInt32LE(link, 40);
    header.writeBigUInt64LE(8n, 48);
    header.writeBigUInt64LE(BigInt(entryBytes), 56);
    headers.push(header);
    parts.push(padded);
    at += padded.length;
  }
  const start = parts[0]!;
  start.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  start.writeUInt16LE(1, 16);
  start.writeUInt16LE(62, 18);
  start.writeUInt32LE(1, 20);
  start.writeBigUInt64LE(BigInt(at), 40);
  start.writeUInt16LE(64, 52);
  start.writeUInt16LE(64, 58);
  start.writeUInt16LE(headers.length, 60);
  start.writeUInt16LE(headers.length - 1, 62);
  return Buffer.concat([...parts, ...headers]);
}
