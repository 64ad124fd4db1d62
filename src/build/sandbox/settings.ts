/** The sandbox that Nix's settings ask for. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { Builder } from '../builder.ts';
import { badMemorySize, badNetworkMode, badSandboxMode } from './errors.ts';
import { parseExternalBuilders } from './external-builder.ts';
import { ModeBuilder, type SandboxMode } from './mode-builder.ts';
import type { NetworkMode } from './outside-network.ts';
import { parseVisiblePath, usualFeatures, type SandboxOptions, type VisiblePath } from './sandbox-builder.ts';

/** What is read of the settings; `NixSettings` of the host is one. */
export interface SandboxSettings {
  text(name: string): string | undefined;
  flag(name: string, otherwise: boolean): boolean;
  number(name: string, otherwise: number): number;
  list(name: string): string[];
  /** Whether it was set itself, and not only added to by `extra-…`. */
  isReplaced(name: string): boolean;
}

/** `system` is this machine's; failed builds are kept in `keptDirectory` if the user wants them kept. */
export function sandboxFromSettings(
  settings: SandboxSettings,
  machine: {
    readonly system: string;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly keptDirectory: string;
    readonly certificatesFile?: string | undefined;
  },
): Builder {
  // What is only added to keeps what is there without.
  const listOver = <T>(name: string, usual: readonly T[], read: (text: string) => T): T[] =>
    [...(settings.isReplaced(name) ? [] : usual), ...settings.list(name).map(read)];
  const recursive = settings.list('experimental-features').filter((name) => name === 'recursive-nix');
  const kvm = existsSync('/dev/kvm') ? ['kvm'] : [];
  const options: SandboxOptions = {
    systems: [settings.text('system') || machine.system, ...settings.list('extra-platforms'), ...siblings(machine.system)],
    features: listOver('system-features', [...usualFeatures, ...kvm, ...recursive], (text) => text),
    environment: machine.environment,
    impureEnvironment: Object.fromEntries(settings.list('impure-env').map((one) => {
      const [name = '', ...value] = one.split('=');
      return [name, value.join('=')];
    })),
    certificatesFile: machine.certificatesFile,
    visiblePaths: listOver('sandbox-paths', defaultPaths(), parseVisiblePath),
    sharedMemoryBytes: memorySize(settings.text('sandbox-dev-shm-size')),
    limits: {
      timeoutSeconds: settings.number('timeout', 0),
      silenceSeconds: settings.number('max-silent-time', 0),
      logBytes: settings.number('max-build-log-size', 0),
    },
    keepFailedIn: settings.flag('keep-failed', false) ? machine.keptDirectory : undefined,
    buildIn: settings.text('build-dir') || undefined,
    withoutGroups: settings.flag('require-drop-supplementary-groups', process.getuid?.() === 0),
    network: networkOf(settings.text('fixed-output-network') || 'isolated'),
    preBuildHook: settings.text('pre-build-hook') || undefined,
  };
  const external = parseExternalBuilders(settings.text('external-builders') || '[]');
  return new ModeBuilder(modeOf(settings.text('sandbox') ?? 'true'), options, external);
}

function modeOf(text: string): SandboxMode {
  if (text === 'relaxed') return text;
  if (/^(true|yes|1)$/.test(text)) return 'true';
  if (/^(false|no|0)$/.test(text)) return 'false';
  throw badSandboxMode(text);
}

function networkOf(text: string): NetworkMode {
  if (text === 'isolated' || text === 'host') return text;
  throw badNetworkMode(text);
}

/** As `mount` reads the size of a tmpfs: bytes, with k, m or g, or a part of the memory. */
function memorySize(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const [, number = '', unit = ''] = /^([0-9]+)([kmg%]?)$/i.exec(text) ?? [];
  if (number === '') throw badMemorySize(text);
  const factors: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, '%': totalmem() / 100 };
  return Math.floor(Number(number) * (factors[unit.toLowerCase()] as number));
}

/** The 32-bit programs that a machine runs too. */
function siblings(system: string): string[] {
  return system === 'x86_64-linux' ? ['i686-linux'] : [];
}

/** A shell for programs that start one by system(3), where there is one that needs no library. */
function defaultPaths(): VisiblePath[] {
  const source = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path) && isStatic(path));
  return source === undefined ? [] : [{ target: '/bin/sh', source }];
}

/** Whether a 64-bit or 32-bit ELF program names no interpreter (a program header of type 3). */
function isStatic(path: string): boolean {
  const bytes = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(file);
  }
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF') return false;
  const is64 = bytes[4] === 2;
  const start = is64 ? Number(bytes.readBigUInt64LE(32)) : bytes.readUInt32LE(28);
  const size = bytes.readUInt16LE(is64 ? 54 : 42);
  const count = bytes.readUInt16LE(is64 ? 56 : 44);
  for (let at = 0; at < count; at++) {
    const place = start + at * size;
    if (place + 4 > bytes.length || bytes.readUInt32LE(place) === 3) return false;
  }
  return true;
}
