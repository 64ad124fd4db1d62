/**
 * What the setting `sandbox` says: all builds are kept apart, none are, or (`relaxed`) all but those
 * that ask for it and those of fixed outputs.
 *
 * A store whose files are not where its paths say is only ever built for in the sandbox, as C++ Nix
 * does: nowhere else can a builder write to such a path.
 */
import { isImpure, type Derivation } from '#formats';
import type { Store } from '#store';
import type { Builder, BuildRequest } from '../builder.ts';
import { derivationOptions } from '../derivation-options.ts';
import { sandboxRequired } from './errors.ts';
import { ExternalBuilder, type ExternalProgram } from './external-builder.ts';
import { PlainBuilder } from './plain-builder.ts';
import { SandboxBuilder, type SandboxOptions } from './sandbox-builder.ts';

export type SandboxMode = 'true' | 'false' | 'relaxed';

export class ModeBuilder implements Builder {
  readonly name = 'sandbox as set';
  readonly #mode: SandboxMode;
  readonly #sandbox: SandboxBuilder;
  readonly #plain: PlainBuilder;
  readonly #external: readonly ExternalBuilder[];

  constructor(mode: SandboxMode, options: SandboxOptions, external: readonly ExternalProgram[] = []) {
    this.#mode = mode;
    this.#external = external.map((program) => new ExternalBuilder(program, options));
    this.#sandbox = new SandboxBuilder(options);
    this.#plain = new PlainBuilder(options);
  }

  accepts(derivation: Derivation): boolean {
    return this.#sandbox.accepts(derivation);
  }

  writesInPlace(derivation: Derivation, store: Store): boolean {
    return this.#choose(derivation, store) !== this.#sandbox;
  }

  async build(request: BuildRequest): Promise<void> {
    const { derivation, drvPath, store } = request;
    if (this.#mode === 'true' && derivationOptions(derivation).withoutSandbox) throw sandboxRequired(drvPath);
    await this.#choose(derivation, store).build(request);
  }

  #choose(derivation: Derivation, store: Store): SandboxBuilder | PlainBuilder | ExternalBuilder {
    const external = this.#external.find((builder) => builder.accepts(derivation));
    if (external !== undefined) return external;
    if (this.#mode === 'true' || store.physicalPath(store.storeDirectory) !== store.storeDirectory) return this.#sandbox;
    if (this.#mode === 'false') return this.#plain;
    const isFixed = [...derivation.outputs.values()].every((output) => output.kind === 'fixed');
    const isFree = isFixed || isImpure(derivation) || derivationOptions(derivation).withoutSandbox;
    return isFree ? this.#plain : this.#sandbox;
  }
}
