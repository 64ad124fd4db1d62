/**
 * The builder for those who say `sandbox = false`: the same programs, run as our own user on the
 * machine as it is, as C++ Nix does under that setting.
 *
 * Nothing keeps such a build from reading and writing whatever we may; the setting is never chosen
 * for the user, not even where the sandbox cannot work. Builders write to the outputs' own paths, so
 * the store must be where its paths say.
 *
 * *Invariant:* when `build` returns or throws, no process of the builder's session lives.
 */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { decodeUtf8Strictly } from '#base';
import type { Derivation, StorePath } from '#formats';
import type { Builder, BuildRequest } from '../builder.ts';
import { derivationOptions } from '../derivation-options.ts';
import { builderSurroundings } from './environment.ts';
import { argumentNotText, builderFailed, featuresMissing, foreignSystem, storeElsewhere } from './errors.ts';
import { buildInPlace } from './in-place.ts';
import { mayNest, serveNested } from './nested-nix.ts';
import { runBuilder } from './run-process.ts';
import { impureVariables, usualFeatures, type SandboxOptions } from './sandbox-builder.ts';
import type { Scratch } from './scratch.ts';

export class PlainBuilder implements Builder {
  readonly name = 'no sandbox';
  readonly #options: SandboxOptions;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  accepts(derivation: Derivation): boolean {
    return !derivation.builder.startsWith('builtin:');
  }

  async build(request: BuildRequest): Promise<void> {
    this.#checkMachine(request);
    await buildInPlace(request, this.#options, (scratch) => this.#run(request, request.outputPaths, scratch));
  }

  async #run(request: BuildRequest, outputPaths: ReadonlyMap<string, StorePath>, scratch: Scratch): Promise<void> {
    const options = derivationOptions(request.derivation);
    const surroundings = builderSurroundings(
      request, options, outputPaths, impureVariables(this.#options), scratch.build);
    for (const [name, text] of surroundings.files) {
      writeFileSync(join(scratch.build, name), text, { encoding: 'latin1', mode: 0o644 });
    }
    const nested = mayNest(options) ? await serveNested(request, scratch.build, async () => {}) : undefined;
    request.progress.message('chatty', `executing builder '${surroundings.builder}'`);
    await runProgram(request, surroundings.builder, () => runBuilder({
      command: [surroundings.builder, ...surroundings.args].map(textOf),
      plain: {
        name: basename(surroundings.builder),
        folder: scratch.build,
        variables: Object.fromEntries([...surroundings.variables].map(([name, value]) => [textOf(name), textOf(value)])),
      },
      directory: scratch.root,
      identity: undefined,
      limits: this.#options.limits ?? {},
      signal: request.signal,
      log: (line) => request.log(line),
    })).finally(() => nested?.close());
  }

  #checkMachine({ derivation, store }: BuildRequest): void {
    const { systems, features = usualFeatures } = this.#options;
    if (!systems.includes(derivation.system)) throw foreignSystem(derivation.system, systems.join(', '));
    const missing = derivationOptions(derivation).requiredFeatures.filter((one) => !features.includes(one));
    if (missing.length > 0) throw featuresMissing(missing);
    const physical = store.physicalPath(store.storeDirectory);
    if (physical !== store.storeDirectory) throw storeElsewhere(store.storeDirectory, physical);
  }
}

/** A builder that cannot be started has failed like one that ended at once. */
async function runProgram(request: BuildRequest, builder: string, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    const reason = notStarted[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined || !(error as NodeJS.ErrnoException).syscall?.startsWith('spawn')) throw error;
    request.log(`error: executing '${builder}': ${reason}`);
    throw builderFailed(1);
  }
}

const notStarted: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory', EACCES: 'Permission denied', ENOEXEC: 'Exec format error',
};

/** What a process is given: Node hands it over as UTF-8. */
function textOf(bytes: string): string {
  const text = decodeUtf8Strictly(bytes);
  if (text === undefined) throw argumentNotText(bytes);
  return text;
}
