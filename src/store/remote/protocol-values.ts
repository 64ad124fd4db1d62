/**
 * What both of Nix's protocols say in the same words: path descriptions, derivations, build
 * results, and the names of what is to be built.
 *
 * The worker protocol is that of the daemon (versions 1.25 to 1.38, and features); the serve
 * protocol that of `nix-store --serve` (2.5 to 2.8). `ProtocolVersion` says which of them is spoken,
 * since the same value is written differently from one version to the next. Specification: the
 * protocol's chapters of the Nix manual and what C++ Nix writes.
 */

import { encodeHex, formatPrefixedHash, parseHash, type Hash } from '#base';
import {
  baseNameOf, formatContentAddress, formatMethodAlgorithm, knownOutputPath, parseContentAddress, parseMethodAlgorithm,
  parseStorePath, type Derivation, type DerivationOutput, type StorePath,
} from '#formats';
import type { ValidPathInfo } from '../store.ts';
import { malformedRealisation, withoutColors } from './errors.ts';
import type { WireReader, WireWriter } from './wire.ts';

/** What two ends have agreed on. */
export interface ProtocolVersion {
  readonly protocol: 'worker' | 'serve';
  /** 34 for version 1.34. */
  readonly minor: number;
  readonly features: ReadonlySet<string>;
}

/** Realisations and built outputs are written with the derivation's path, not by a hash. */
export const featureRealisationWithPath = 'realisation-with-path-not-hash';
/** Garbage collection of chosen paths takes what refers to them along. */
export const featureDeleteReferrers = 'delete-dead-specific-referrers';

/** In the order of their numbers. */
export const buildStatuses = [
  'built', 'substituted', 'already-valid', 'permanent-failure', 'input-rejected', 'output-rejected',
  'transient-failure', 'cached-failure', 'timed-out', 'misc-failure', 'dependency-failed', 'log-limit-exceeded',
  'not-deterministic', 'resolves-to-already-valid', 'no-substituters',
] as const;

export type BuildStatus = typeof buildStatuses[number];

export interface BuildResult {
  readonly status: BuildStatus;
  /** Why it failed; empty if it did not. */
  readonly message: string;
  readonly timesBuilt: number;
  readonly isNonDeterministic: boolean;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly stopTime: number;
  /** Paths of outputs by name; older peers leave it empty. */
  readonly outputs: ReadonlyMap<string, StorePath>;
}

export type BuildMode = 'normal' | 'repair' | 'check';

/** What is to be made valid: a path, or outputs of a derivation (all of them if none is named). */
export type Buildable =
  | { readonly path: StorePath }
  | { readonly drvPath: StorePath; readonly outputs?: readonly string[] };

export function succeeded({ status }: BuildResult): boolean {
  return ['built', 'substituted', 'already-valid', 'resolves-to-already-valid'].includes(status);
}

/** The code of the error that a failure here would have had. */
export function failureCode({ status, message }: BuildResult): string {
  switch (status) {
    case 'timed-out': return 'BUILDER_TIMED_OUT';
    case 'not-deterministic': return 'NOT_DETERMINISTIC';
    case 'output-rejected': return message.includes('hash mismatch') ? 'HASH_MISMATCH' : 'OUTPUT_MISSING';
    case 'permanent-failure': case 'misc-failure': case 'cached-failure': return 'BUILDER_FAILED';
    default: return 'REMOTE_BUILD_FAILED';
  }
}

/** A result that says only how it ended. */
export function plainResult(status: BuildStatus, message = ''): BuildResult {
  return {
    status, message, timesBuilt: 0, isNonDeterministic: false, startTime: 0, stopTime: 0, outputs: new Map(),
  };
}

/** Reads and writes the values in one version of one protocol, for one store directory. */
export class ProtocolValues {
  readonly version: ProtocolVersion;
  readonly #storeDirectory: string;

  constructor(version: ProtocolVersion, storeDirectory: string) {
    this.version = version;
    this.#storeDirectory = storeDirectory;
  }

  async path(reader: WireReader): Promise<StorePath> {
    return parseStorePath(await reader.text(), this.#storeDirectory);
  }

  async optionalPath(reader: WireReader): Promise<StorePath | undefined> {
    const text = await reader.text();
    return text === '' ? undefined : parseStorePath(text, this.#storeDirectory);
  }

  paths(reader: WireReader): Promise<StorePath[]> {
    return reader.list(() => this.path(reader));
  }

  /** The description of a path in the worker protocol, the path itself excepted. */
  async info(reader: WireReader, path: StorePath): Promise<ValidPathInfo> {
    const deriver = await this.optionalPath(reader);
    const narHash = parseHash(await reader.text(), 'sha256');
    const references = (await this.paths(reader)).sort();
    const registrationTime = await reader.number();
    const narSizeBytes = await reader.number();
    const ultimate = await reader.flag();
    const signatures = await reader.texts();
    const address = await reader.text();
    return {
      path, narHash, narSizeBytes, references, registrationTime, ultimate, signatures,
      ...(deriver === undefined ? {} : { deriver }),
      ...(address === '' ? {} : { contentAddress: parseContentAddress(address) }),
    };
  }

  writeInfo(writer: WireWriter, info: ValidPathInfo): void {
    writer.text(info.deriver ?? '').text(hexOf(info.narHash)).texts(info.references)
      .number(info.registrationTime).number(info.narSizeBytes).flag(info.ultimate).texts(info.signatures)
      .text(info.contentAddress === undefined ? '' : formatContentAddress(info.contentAddress));
  }

  /** The description in the serve protocol's own order. */
  async serveInfo(reader: WireReader, path: StorePath): Promise<ValidPathInfo> {
    const deriver = await this.optionalPath(reader);
    const references = (await this.paths(reader)).sort();
    await reader.number();
    const narSizeBytes = await reader.number();
    const narHash = parseHash(await reader.text(), 'sha256');
    const address = await reader.text();
    const signatures = await reader.texts();
    return {
      path, narHash, narSizeBytes, references, registrationTime: 0, ultimate: false, signatures,
      ...(deriver === undefined ? {} : { deriver }),
      ...(address === '' ? {} : { contentAddress: parseContentAddress(address) }),
    };
  }

  writeServeInfo(writer: WireWriter, info: ValidPathInfo): void {
    writer.text(info.deriver ?? '').texts(info.references)
      // The first number was the size of a download, which nobody looks at.
      .number(info.narSizeBytes).number(info.narSizeBytes).text(formatPrefixedHash(info.narHash, 'nix32'))
      .text(info.contentAddress === undefined ? '' : formatContentAddress(info.contentAddress))
      .texts(info.signatures);
  }

  /** A derivation whose inputs are all paths. */
  async basicDerivation(reader: WireReader, name: string): Promise<Derivation> {
    const outputs = new Map(await reader.list(async () => {
      const [output, path, method, hash] = [
        await reader.text(), await reader.text(), await reader.text(), await reader.text()];
      return [output, this.#output(path, method, hash)] as const;
    }));
    const inputSources = await this.paths(reader);
    const system = await reader.text();
    const builder = await reader.text();
    const args = await reader.texts();
    const env = new Map(await reader.list(async () => [await reader.text(), await reader.text()] as const));
    return { name, outputs, inputDerivations: new Map(), inputSources, system, builder, args, env };
  }

  writeBasicDerivation(writer: WireWriter, derivation: Derivation): void {
    writer.number(derivation.outputs.size);
    for (const [name, output] of derivation.outputs) {
      writer.text(name).text(knownOutputPath(output) ?? '');
      if (output.kind === 'fixed') {
        writer.text(formatMethodAlgorithm(output.method, output.hash.algorithm)).text(hexOf(output.hash));
      } else if (output.kind === 'floating' || output.kind === 'impure') {
        writer.text(formatMethodAlgorithm(output.method, output.algorithm))
          .text(output.kind === 'impure' ? 'impure' : '');
      } else {
        writer.text('').text('');
      }
    }
    writer.texts(derivation.inputSources).text(derivation.system).text(derivation.builder).texts(derivation.args);
    writer.number(derivation.env.size);
    for (const [name, value] of derivation.env) writer.text(name).text(value);
  }

  async buildResult(reader: WireReader): Promise<BuildResult> {
    const status = buildStatuses[await reader.number()] ?? 'misc-failure';
    const message = withoutColors(await reader.text());
    const { protocol, minor } = this.version;
    let times = { timesBuilt: 0, isNonDeterministic: false, startTime: 0, stopTime: 0 };
    if (minor >= (protocol === 'worker' ? 29 : 3)) {
      times = {
        timesBuilt: await reader.number(), isNonDeterministic: await reader.flag(),
        startTime: await reader.number(), stopTime: await reader.number(),
      };
    }
    if (protocol === 'worker' && minor >= 37) {
      // Processor times, each there or not.
      for (let i = 0; i < 2; i++) if (await reader.flag()) await reader.wideNumber();
    }
    return { status, message, ...times, outputs: await this.#builtOutputs(reader) };
  }

  writeBuildResult(writer: WireWriter, result: BuildResult): void {
    const { protocol, minor } = this.version;
    writer.number(buildStatuses.indexOf(result.status)).text(result.message);
    if (minor >= (protocol === 'worker' ? 29 : 3)) {
      writer.number(result.timesBuilt).flag(result.isNonDeterministic)
        .number(result.startTime).number(result.stopTime);
    }
    if (protocol === 'worker' && minor >= 37) writer.number(0).number(0);
    if (this.#writesRealisations) {
      writer.number(result.outputs.size);
      for (const [name, path] of result.outputs) writer.text(name).text(path).texts([]);
    } else if (minor >= (protocol === 'worker' ? 28 : 6)) {
      writer.number(result.outputs.size);
      for (const [name, path] of result.outputs) {
        // Old readers look at the output's name and path only: the hash stands for none.
        const id = `sha256:${'0'.repeat(64)}!${name}`;
        writer.text(id).text(JSON.stringify({
          id, outPath: baseNameOf(path), signatures: [], dependentRealisations: {},
        }));
      }
    }
  }

  async buildable(reader: WireReader): Promise<Buildable> {
    return this.parseBuildable(await reader.text());
  }

  /** `PATH`, `DRV!*`, `DRV!out,dev`; a bare derivation means all outputs in the old form. */
  parseBuildable(text: string): Buildable {
    const mark = text.indexOf('!');
    const path = parseStorePath(mark < 0 ? text : text.slice(0, mark), this.#storeDirectory);
    if (mark < 0) return this.#namesPlainly && path.endsWith('.drv') ? { drvPath: path } : { path };
    const outputs = text.slice(mark + 1);
    return outputs === '*' ? { drvPath: path } : { drvPath: path, outputs: outputs.split(',') };
  }

  formatBuildable(buildable: Buildable): string {
    if ('path' in buildable) return buildable.path;
    const { drvPath, outputs } = buildable;
    if (outputs !== undefined) return `${drvPath}!${outputs.join(',')}`;
    return this.#namesPlainly ? drvPath : `${drvPath}!*`;
  }

  async #builtOutputs(reader: WireReader): Promise<Map<string, StorePath>> {
    const { protocol, minor } = this.version;
    const outputs = new Map<string, StorePath>();
    if (this.#writesRealisations) {
      await reader.list(async () => {
        const name = await reader.text();
        outputs.set(name, await this.path(reader));
        await reader.texts();
      });
    } else if (minor >= (protocol === 'worker' ? 28 : 6)) {
      await reader.list(async () => {
        const name = (await reader.text()).replace(/^[^!]*!/, '');
        const text = await reader.text();
        const base = /"outPath":"([^"\\/]+)"/.exec(text)?.[1];
        if (base === undefined) throw malformedRealisation(text);
        outputs.set(name, parseStorePath(`${this.#storeDirectory}/${base}`, this.#storeDirectory));
      });
    }
    return outputs;
  }

  /** As the newest peers write what was built. */
  get #writesRealisations(): boolean {
    return this.version.protocol === 'worker' ? this.version.features.has(featureRealisationWithPath)
      : this.version.minor >= 8;
  }

  /** Whether a derivation without more stands for all its outputs. */
  get #namesPlainly(): boolean {
    return this.version.protocol === 'serve' || this.version.minor < 30;
  }

  #output(path: string, methodText: string, hash: string): DerivationOutput {
    if (methodText === '') {
      return path === '' ? { kind: 'deferred' }
        : { kind: 'input-addressed', path: parseStorePath(path, this.#storeDirectory) };
    }
    const parsed = parseMethodAlgorithm(methodText);
    if (parsed === undefined) return { kind: 'deferred' };
    if (hash === 'impure') return { kind: 'impure', ...parsed };
    if (hash === '') return { kind: 'floating', ...parsed };
    return {
      kind: 'fixed', path: parseStorePath(path, this.#storeDirectory), method: parsed.method,
      hash: parseHash(hash, parsed.algorithm),
    };
  }
}

function hexOf(hash: Hash): string {
  return encodeHex(hash.bytes);
}
