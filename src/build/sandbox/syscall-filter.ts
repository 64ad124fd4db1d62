/**
 * The filter of system calls that builders run under: a classic BPF program for seccomp.
 *
 * What a store cannot hold cannot be made: files with the setuid or setgid bit, extended attributes,
 * ACLs. What would go around the filter is as if the kernel did not have it: io_uring, openat2
 * (whose mode stands in memory that a filter cannot read), other processor modes. Kernel keyrings
 * are not in a namespace, so they are closed. A builder that shares a network with others has sockets
 * of the Internet only: abstract Unix sockets belong to the network. One in a network of its own has
 * all but those that no namespace divides: by vsock it would reach this machine's host.
 *
 * Numbers are the kernel's, per processor mode; the program is what `struct sock_filter` lays out,
 * eight bytes an instruction. Each rule is a block of its own that leaves the call's number loaded.
 */
import { noFilterFor } from './errors.ts';

/** Numbers of the calls that rules are about; one that a mode does not have is left out. */
interface CallTable {
  /** `AUDIT_ARCH_…`. */
  readonly architecture: number;
  readonly chmod?: number;
  readonly fchmod: number;
  readonly fchmodat: number;
  readonly open?: number;
  readonly openat: number;
  readonly creat?: number;
  readonly mknod?: number;
  readonly mknodat: number;
  readonly socket: number;
  readonly socketcall?: number;
  readonly keyrings: readonly number[];
  /** Numbers with this bit set belong to another mode, which is closed. */
  readonly closedBit?: number;
  readonly extendedAttributes: readonly number[];
}

/** First number and count. */
const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, at) => first + at);

const x8664: CallTable = {
  architecture: 0xc000003e, chmod: 90, fchmod: 91, fchmodat: 268, open: 2, openat: 257, creat: 85, mknod: 133,
  mknodat: 259, socket: 41, keyrings: range(248, 3), closedBit: 0x40000000, extendedAttributes: range(188, 9),
};
const i386: CallTable = {
  architecture: 0x40000003, chmod: 15, fchmod: 94, fchmodat: 306, open: 5, openat: 295, creat: 8, mknod: 14,
  mknodat: 297, socket: 359, socketcall: 102, keyrings: range(286, 3), extendedAttributes: range(226, 9),
};
const arm: CallTable = {
  architecture: 0x40000028, chmod: 15, fchmod: 94, fchmodat: 333, open: 5, openat: 322, creat: 8, mknod: 14,
  mknodat: 324, socket: 281, keyrings: range(309, 3), extendedAttributes: range(226, 9),
};
const generic = {
  fchmod: 52, fchmodat: 53, openat: 56, mknodat: 33, socket: 198, keyrings: range(217, 3),
  extendedAttributes: range(5, 9),
};
const modes: Readonly<Record<string, readonly CallTable[]>> = {
  x64: [x8664, i386],
  arm64: [{ ...generic, architecture: 0xc00000b7 }, arm],
  riscv64: [{ ...generic, architecture: 0xc00000f3 }],
};

/** Newer calls have one number everywhere. */
const ioUringSetup = 425;
const openat2 = 437;
const fchmodat2 = 452;
const newExtendedAttributes = range(463, 3);

const eperm = 1;
const enosys = 38;
const eopnotsupp = 95;
const eafnosupport = 97;

const setIdBits = [0o4000, 0o2000];
const creatingFlags = [0o100, 0o20000000];
/** AF_INET, AF_INET6 and AF_NETLINK, by which the C library learns which of them there are. */
const internetFamilies = [2, 10, 16];

/** AF_RDS, AF_BLUETOOTH, AF_VSOCK, AF_QIPCRTR: the same in every network namespace. */
const undividedFamilies = [21, 31, 40, 42];

export interface FilterOptions {
  /** Whether the builder shares a network namespace with other processes. */
  readonly sharesNetwork: boolean;
}

/** The program for builders on a processor, as Node names it. */
export function syscallFilter(architecture: string, options: FilterOptions): Uint8Array {
  const tables = modes[architecture];
  if (tables === undefined) throw noFilterFor(architecture);
  const program: Instruction[] = [];
  for (const table of tables) {
    const section = [load(numberOffset), ...rulesOf(table, options), give(allow)];
    // Conditional jumps reach 255 instructions, plain ones everywhere.
    program.push(load(architectureOffset), jump(jumpEqual, table.architecture, 1, 0), jump(jumpAlways, section.length, 0, 0));
    program.push(...section);
  }
  program.push(give(refuse(enosys)));
  return encode(program);
}

function rulesOf(table: CallTable, options: FilterOptions): Instruction[] {
  const rules: Instruction[] = [];
  if (table.closedBit !== undefined) rules.push(jump(jumpSet, table.closedBit, 0, 1), give(refuse(enosys)));
  const deny = (calls: readonly number[], error: number): void => {
    for (const call of calls) rules.push(...when(call, [give(refuse(error))]));
  };
  const denyModes = (call: number | undefined, argument: number, flagsArgument?: number): void => {
    if (call !== undefined) rules.push(...when(call, modeChecks(argument, flagsArgument)));
  };
  denyModes(table.chmod, 1);
  denyModes(table.fchmod, 1);
  denyModes(table.fchmodat, 2);
  denyModes(fchmodat2, 2);
  denyModes(table.creat, 1);
  denyModes(table.mknod, 1);
  denyModes(table.mknodat, 2);
  denyModes(table.open, 2, 1);
  denyModes(table.openat, 3, 2);
  deny([...table.extendedAttributes, ...newExtendedAttributes], eopnotsupp);
  deny([ioUringSetup, openat2, ...table.keyrings], enosys);
  if (options.sharesNetwork) {
    rules.push(...when(table.socket, [
      load(argumentOffset(0)),
      ...internetFamilies.flatMap((family) => [jump(jumpEqual, family, 0, 1), give(allow)]),
      give(refuse(eafnosupport)),
    ]));
    // Its arguments stand in memory; the C library has used socket itself for ten years.
    if (table.socketcall !== undefined) deny([table.socketcall], enosys);
  } else {
    rules.push(...when(table.socket, [
      load(argumentOffset(0)),
      ...undividedFamilies.flatMap((family) => [jump(jumpEqual, family, 0, 1), give(refuse(eafnosupport))]),
    ]));
  }
  return rules;
}

/** Refuses a mode with a set-id bit; with `flagsArgument`, only if the call makes a file. */
function modeChecks(argument: number, flagsArgument: number | undefined): Instruction[] {
  const refusal = [
    load(argumentOffset(argument)),
    jump(jumpSet, setIdBits[0]! | setIdBits[1]!, 0, 1), give(refuse(eperm)),
  ];
  if (flagsArgument === undefined) return refusal;
  // O_TMPFILE's own bit, or O_CREAT: else the register of the mode holds anything.
  return [
    load(argumentOffset(flagsArgument)),
    jump(jumpSet, creatingFlags[0]! | creatingFlags[1]!, 0, refusal.length), ...refusal,
  ];
}

/** A block that runs for one call only, and loads the number again if it falls through. */
function when(call: number, block: readonly Instruction[]): Instruction[] {
  return [jump(jumpEqual, call, 0, block.length + 1), ...block, load(numberOffset)];
}

interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly operand: number;
}

// `struct seccomp_data`: number, architecture, instruction pointer, six arguments of eight bytes.
const numberOffset = 0;
const architectureOffset = 4;
/** The low half of an argument: all modes here are little-endian. */
const argumentOffset = (index: number): number => 16 + 8 * index;

const jumpAlways = 0x05;
const jumpEqual = 0x15;
const jumpSet = 0x45;
const allow = 0x7fff0000;
const refuse = (error: number): number => 0x00050000 | error;

const load = (offset: number): Instruction => ({ code: 0x20, ifTrue: 0, ifFalse: 0, operand: offset });
const give = (action: number): Instruction => ({ code: 0x06, ifTrue: 0, ifFalse: 0, operand: action });

function jump(code: number, operand: number, ifTrue: number, ifFalse: number): Instruction {
  return { code, ifTrue, ifFalse, operand };
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, ifTrue, ifFalse, operand }, index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, operand, true);
  });
  return bytes;
}
