/**
 * What a kernel module says of itself: its `.modinfo` strings, the symbols it exports and the ones
 * it needs.
 *
 * A `.ko` file is a relocatable ELF object. `.modinfo` is a run of NUL-separated `key=value`
 * strings. An exported symbol leaves `__crc_NAME` in the symbol table where the kernel has symbol
 * versions, and its name in `__ksymtab_strings` always. A needed symbol is an undefined one of the
 * symbol table, or one that only `__versions` names. Both classes and byte orders are read.
 */
import { malformedImage } from '../errors.ts';
import { viewOf } from '../bytes.ts';

export interface KernelModuleFacts {
  /** `.modinfo` in its order; a key may come many times (`alias`). */
  readonly info: readonly (readonly [key: string, value: string])[];
  /** Names of exported symbols, in the order of the symbol table. */
  readonly exports: readonly string[];
  /** Names of needed symbols, in the order of the symbol table. */
  readonly imports: readonly string[];
}

interface Section {
  readonly offset: number;
  readonly size: number;
}

/** Reads an uncompressed module. `name` is for the error. Throws `IMAGE_MALFORMED`. */
export function readKernelModule(bytes: Uint8Array, name: string): KernelModuleFacts {
  const elf = new ElfObject(bytes, name);
  const versions = elf.versionNames();
  const { exports, imports } = elf.symbols();
  const needed = new Set(imports);
  for (const version of versions) needed.add(version);
  return {
    info: elf.strings('.modinfo').map(splitAtEquals),
    exports: exports.length > 0 ? exports : elf.strings('__ksymtab_strings'),
    imports: [...needed],
  };
}

class ElfObject {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #wide: boolean;
  readonly #name: string;
  readonly #sections = new Map<string, Section>();

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#name = name;
    if (bytes.length < 64 || this.#view.getUint32(0, false) !== 0x7f454c46) {
      throw this.#malformed('it is no ELF object');
    }
    this.#wide = bytes[4] === 2;
    this.#little = bytes[5] === 1;
    this.#readSections();
  }

  /** The NUL-separated strings of a section; empty where there is none. */
  strings(sectionName: string): string[] {
    const section = this.#sections.get(sectionName);
    if (section === undefined) return [];
    const strings: string[] = [];
    const end = section.offset + section.size;
    for (let start = section.offset; start < end;) {
      let stop = this.#bytes.indexOf(0, start);
      if (stop < 0 || stop > end) stop = end;
      if (stop > start) strings.push(latin1(this.#bytes, start, stop));
      start = stop + 1;
    }
    return strings;
  }

  symbols(): { exports: string[]; imports: string[] } {
    const table = this.#sections.get('.symtab');
    const names = this.#sections.get('.strtab');
    const exports: string[] = [];
    const imports: string[] = [];
    if (table === undefined || names === undefined) return { exports, imports };
    const entryBytes = this.#wide ? 24 : 16;
    const indexAt = this.#wide ? 6 : 14;
    const end = table.offset + table.size;
    for (let at = table.offset + entryBytes; at + entryBytes <= end; at += entryBytes) {
      const nameAt = names.offset + this.#u32(at);
      const undefinedSymbol = this.#u16(at + indexAt) === 0;
      // `__crc_` begins with two underscores; most defined symbols are told apart by these bytes.
      const maybeExport = this.#bytes[nameAt] === 0x5f && this.#bytes[nameAt + 1] === 0x5f;
      if (!undefinedSymbol && !maybeExport) continue;
      const name = this.#stringAt(nameAt);
      if (name.startsWith('__crc_')) exports.push(name.slice(6));
      if (undefinedSymbol && name !== '') imports.push(name);
    }
    return { exports, imports };
  }

  /** The symbol names of `__versions`: records of a checksum and a name, 64 bytes together. */
  versionNames(): string[] {
    const section = this.#sections.get('__versions');
    if (section === undefined) return [];
    const checksumBytes = this.#wide ? 8 : 4;
    const names: string[] = [];
    for (let at = 0; at + 64 <= section.size; at += 64) {
      names.push(this.#stringAt(section.offset + at + checksumBytes));
    }
    return names;
  }

  #readSections(): void {
    const headersAt = this.#wide ? this.#u64(40) : this.#u32(32);
    const headerBytes = this.#u16(this.#wide ? 58 : 46);
    const count = this.#u16(this.#wide ? 60 : 48);
    const namesIndex = this.#u16(this.#wide ? 62 : 50);
    if (headersAt + count * headerBytes > this.#bytes.length || namesIndex >= count) {
      throw this.#malformed('its section headers lie outside of it');
    }
    const section = (index: number): Section => {
      const at = headersAt + index * headerBytes;
      return this.#wide
        ? { offset: this.#u64(at + 24), size: this.#u64(at + 32) }
        : { offset: this.#u32(at + 16), size: this.#u32(at + 20) };
    };
    const names = section(namesIndex);
    for (let index = 1; index < count; index++) {
      const at = headersAt + index * headerBytes;
      const holdsNothing = this.#u32(at + 4) === 8;
      const found = section(index);
      if (holdsNothing) continue;
      if (found.offset + found.size > this.#bytes.length) {
        throw this.#malformed('a section lies outside of it');
      }
      this.#sections.set(this.#stringAt(names.offset + this.#u32(at)), found);
    }
  }

  #stringAt(offset: number): string {
    const end = this.#bytes.indexOf(0, offset);
    if (end < 0) throw this.#malformed('a name has no end');
    return latin1(this.#bytes, offset, end);
  }

  #u16(offset: number): number {
    return this.#view.getUint16(offset, this.#little);
  }

  #u32(offset: number): number {
    return this.#view.getUint32(offset, this.#little);
  }

  #u64(offset: number): number {
    const low = this.#u32(offset + (this.#little ? 0 : 4));
    const high = this.#u32(offset + (this.#little ? 4 : 0));
    return low + high * 0x100000000;
  }

  #malformed(found: string): Error {
    return malformedImage(`kernel module ${this.#name}`, found);
  }
}

function splitAtEquals(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, Math.min(end, i + 4096)));
  }
  return text;
}
