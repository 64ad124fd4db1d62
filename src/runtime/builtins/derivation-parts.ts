/**
 * The parts of a derivation that attributes say, whatever their values are kept in: from names and
 * texts to the request that the host turns into a store derivation.
 */

import { formatHash, parseHash, type HashAlgorithm } from '#base';
import { evalError } from '../errors.ts';
import type { DerivationRequest, FixedOutput, InstantiatedDerivation } from '../host.ts';
import type { EvalServices } from '../services.ts';
import { featureRequired, withUserErrors } from './errors.ts';
import { checkStoreName } from './store-name.ts';

type Mode = FixedOutput['mode'];

export class DerivationParts {
  /** The builder's variables. */
  readonly env = new Map<string, string>();
  args: readonly string[] = [];
  private readonly services: EvalServices;
  private readonly name: string;
  private builder = '';
  private system = '';
  private outputs: string[] = ['out'];
  private contentAddressed = false;
  private impure = false;
  private outputHash: string | undefined;
  private hashAlgorithm: HashAlgorithm | undefined;
  private mode: Mode | undefined;

  constructor(services: EvalServices, name: string) {
    checkStoreName(name, (message) => `invalid derivation name: ${message}. Please pass a different 'name'.`);
    this.services = services;
    this.name = name;
  }

  setContentAddressed(): void {
    this.contentAddressed = true;
    this.requireFeature('ca-derivations');
  }

  setImpure(): void {
    this.impure = true;
    this.requireFeature('impure-derivations');
  }

  /** What the text of an attribute says, if it is one that says something. */
  set(key: string, text: string): void {
    switch (key) {
      case 'builder':
        this.builder = text;
        break;
      case 'system':
        this.system = text;
        break;
      case 'outputHash':
        this.outputHash = text;
        break;
      case 'outputHashAlgo':
        this.setHashAlgorithm(text);
        break;
      case 'outputHashMode':
        this.setMode(text);
        break;
      case 'outputs':
        this.setOutputs(text.split(/[ \t\n\r]+/).filter((output) => output !== ''));
    }
  }

  setOutputs(names: readonly string[]): void {
    const seen = new Set<string>();
    for (const name of names) {
      if (seen.has(name)) throw evalError(`duplicate derivation output '${name}'`);
      if (name === 'drvPath') throw evalError("invalid derivation output name 'drvPath'");
      seen.add(name);
    }
    if (seen.size === 0) throw evalError('derivation cannot have an empty set of outputs');
    this.outputs = [...seen].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Has the host make it; `context` is that of all texts. */
  instantiate(context: readonly string[]): InstantiatedDerivation {
    return this.services.host.instantiate(this.request(context));
  }

  private requireFeature(feature: string, reason?: string): void {
    if (!this.services.settings.features.has(feature)) throw featureRequired(feature, reason);
  }

  /** An unknown name counts as none given. */
  private setHashAlgorithm(text: string): void {
    switch (text) {
      case 'blake3':
        this.requireFeature('blake3-hashes');
        this.hashAlgorithm = text;
        break;
      case 'md5':
      case 'sha1':
      case 'sha256':
      case 'sha512':
        this.hashAlgorithm = text;
        break;
      default:
        this.hashAlgorithm = undefined;
    }
  }

  private setMode(text: string): void {
    switch (text) {
      case 'recursive':
      case 'nar':
        this.mode = 'recursive';
        break;
      case 'flat':
        this.mode = 'flat';
        break;
      case 'text':
        this.requireFeature(
          'dynamic-derivations', `text-hashed derivation '${this.name}', outputHashMode = "text"`);
        this.mode = 'text';
        break;
      case 'git':
        this.requireFeature('git-hashing');
        this.mode = 'git';
        break;
      default:
        throw evalError(`invalid value '${text}' for 'outputHashMode' attribute`);
    }
  }

  private request(context: readonly string[]): DerivationRequest {
    if (this.builder === '') throw evalError("required attribute 'builder' missing");
    if (this.system === '') throw evalError("required attribute 'system' missing");
    const hasOnlyOut = this.outputs.length === 1 && this.outputs[0] === 'out';
    if (this.name.endsWith('.drv') && !(this.mode === 'text' && hasOnlyOut)) {
      throw evalError(
        "derivation names are allowed to end in '.drv' only if they produce a single derivation file");
    }
    const common = {
      name: this.name, system: this.system, builder: this.builder, args: this.args, env: this.env,
      outputs: this.outputs, context,
    };
    if (this.outputHash !== undefined) {
      if (!hasOnlyOut) throw evalError('multiple outputs are not supported in fixed-output derivations');
      return { ...common, fixedOutput: this.fixedOutput(this.outputHash) };
    }
    if (!this.contentAddressed && !this.impure) return common;
    if (this.contentAddressed && this.impure) {
      throw evalError('derivation cannot be both content-addressed and impure');
    }
    const floating = { hashAlgorithm: this.hashAlgorithm ?? 'sha256', mode: this.mode ?? 'recursive' };
    return this.impure ? { ...common, impure: floating } : { ...common, contentAddressed: floating };
  }

  private fixedOutput(text: string): FixedOutput {
    const mode = this.mode ?? 'flat';
    const algorithm = this.hashAlgorithm;
    if (text === '') {
      if (algorithm === undefined) throw evalError('empty hash requires explicit hash algorithm');
      this.services.warn(`found empty hash, assuming zeros of ${algorithm}`);
      return { hashAlgorithm: algorithm, hash: '', mode };
    }
    const hash = withUserErrors(() => parseHash(text, algorithm));
    return { hashAlgorithm: hash.algorithm, hash: formatHash(hash, 'base16'), mode };
  }
}
