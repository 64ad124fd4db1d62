/**
 * `nix flake check`: whether the outputs of a flake are what their names promise.
 *
 * Every conventional output is evaluated as far as it takes to say so; which derivations are to be
 * built as checks is told to the caller. What is wrong ends the check, or with `keepGoing` is
 * reported, and the rest is looked at too.
 */

import { decodeUtf8 } from '#base';
import { NixError, renderNixError, type Position } from '#diagnostics';
import { Attrs, force, forceAttrs, type Slot } from '#runtime';
import type { EvaluationSession } from '../../worker/session.ts';
import { checkValues, type CheckValue } from './check-values.ts';

export interface CheckOptions {
  readonly system: string;
  readonly allSystems: boolean;
  readonly keepGoing: boolean;
}

export interface CheckedFlake {
  /** The checks of this system. */
  readonly checks: readonly { readonly attributePath: string; readonly drvPath: string }[];
  readonly omittedSystems: readonly string[];
  readonly hasErrors: boolean;
}

/** What an output holds: one value, values by name, by system, or by system and name. */
type Arrangement = 'single' | 'byName' | 'bySystem' | 'bySystemAndName';

const conventions: Readonly<Record<string, readonly [Arrangement, CheckValue]>> = {
  packages: ['bySystemAndName', checkValues.derivation], devShells: ['bySystemAndName', checkValues.derivation],
  formatter: ['bySystem', checkValues.derivation], defaultPackage: ['bySystem', checkValues.derivation],
  devShell: ['bySystem', checkValues.derivation], apps: ['bySystemAndName', checkValues.app],
  defaultApp: ['bySystem', checkValues.app], bundlers: ['bySystemAndName', checkValues.bundler],
  defaultBundler: ['bySystem', checkValues.bundler], legacyPackages: ['bySystem', checkValues.nothing],
  overlay: ['single', checkValues.overlay], overlays: ['byName', checkValues.overlay],
  nixosModule: ['single', checkValues.module], nixosModules: ['byName', checkValues.module],
  nixosConfigurations: ['byName', checkValues.configuration], hydraJobs: ['single', checkValues.jobs],
  defaultTemplate: ['single', checkValues.template], templates: ['byName', checkValues.template],
};

/** Names that have taken the place of others. */
const replacements: Readonly<Record<string, string>> = {
  defaultPackage: 'packages.<system>.default', defaultApp: 'apps.<system>.default',
  defaultTemplate: 'templates.default', defaultBundler: 'bundlers.<system>.default', overlay: 'overlays.default',
  devShell: 'devShells.<system>.default', nixosModule: 'nixosModules.default',
};

/** Outputs that many flakes have and nobody checks. */
const unchecked: ReadonlySet<string> = new Set([
  'lib', 'darwinConfigurations', 'darwinModules', 'flakeModule', 'flakeModules', 'herculesCI', 'homeConfigurations',
  'homeModule', 'homeModules', 'nixopsConfigurations',
]);

export function checkOutputs(session: EvaluationSession, outputs: Attrs, options: CheckOptions): CheckedFlake {
  const checker = new FlakeChecker(session, options);
  // Hydra's jobs come first, as C++ Nix has it; a check that fails early says so early.
  const names = outputs.names();
  for (const name of [...names.filter((one) => one === 'hydraJobs'), ...names.filter((one) => one !== 'hydraJobs')]) {
    checker.checkOutput(name, outputs.get(name)!, outputs.positionOf(name));
  }
  return {
    checks: checker.checks, omittedSystems: [...checker.omittedSystems].sort(), hasErrors: checker.hasErrors,
  };
}

class FlakeChecker {
  readonly checks: { readonly attributePath: string; readonly drvPath: string }[] = [];
  readonly omittedSystems = new Set<string>();
  hasErrors = false;
  readonly #session: EvaluationSession;
  readonly #options: CheckOptions;

  constructor(session: EvaluationSession, options: CheckOptions) {
    this.#session = session;
    this.#options = options;
  }

  checkOutput(name: string, slot: Slot, position: Position): void {
    this.#attempt(position, `while checking flake output '${name}'`, () => {
      force(slot, position);
      const replacement = replacements[name];
      const { evaluator } = this.#session;
      if (replacement !== undefined) {
        evaluator.warn(`flake output attribute '${name}' is deprecated; use '${replacement}' instead`);
      }
      const convention = Object.hasOwn(conventions, name) ? conventions[name] : undefined;
      if (name === 'checks') this.#checkChecks(slot, position);
      else if (convention !== undefined) this.#checkArranged(convention, name, slot, position);
      else if (!unchecked.has(name)) evaluator.warn(`unknown flake output '${name}'`);
    });
  }

  #checkArranged([arrangement, check]: readonly [Arrangement, CheckValue], name: string, slot: Slot, position: Position): void {
    switch (arrangement) {
      case 'single': return this.#checkValue(check, name, slot, position);
      case 'byName':
        return this.#each(slot, position, (inner, one, at) => this.#checkValue(check, `${name}.${inner}`, one, at));
      case 'bySystem':
        return this.#eachSystem(slot, position, (system, one, at) => this.#checkValue(check, `${name}.${system}`, one, at));
      case 'bySystemAndName':
        return this.#eachSystem(slot, position, (system, set, setAt) =>
          this.#each(set, setAt, (inner, one, at) => this.#checkValue(check, `${name}.${system}.${inner}`, one, at)));
    }
  }

  #checkChecks(slot: Slot, position: Position): void {
    const check: (...all: Parameters<CheckValue>) => string | undefined = checkValues.derivation;
    this.#eachSystem(slot, position, (system, set, setAt) => this.#each(set, setAt, (inner, one, at) => {
      const attributePath = `checks.${system}.${inner}`;
      let drvPath: string | undefined;
      this.#checkValue((session, path, value, where) => {
        drvPath = check(session, path, value, where);
        return drvPath;
      }, attributePath, one, at);
      if (drvPath === undefined) this.#report(new NixError('Error', `'${attributePath}.drvPath' does not exist`));
      else if (system === this.#options.system) this.checks.push({ attributePath, drvPath });
    }));
  }

  #checkValue(check: CheckValue, path: string, slot: Slot, position: Position): void {
    this.#attempt(position, `while checking '${path}'`, () => check(this.#session, path, slot, position));
  }

  #each(slot: Slot, position: Position, visit: (name: string, slot: Slot, at: Position) => void): void {
    const set = forceAttrs(slot, position, '');
    for (const name of set.names()) visit(name, set.get(name)!, set.positionOf(name));
  }

  /** The sets of the systems that are looked at; the others are noted. */
  #eachSystem(slot: Slot, position: Position, visit: (system: string, slot: Slot, at: Position) => void): void {
    this.#each(slot, position, (system, set, at) => {
      if (!system.includes('-')) this.#report(new NixError('Error', `'${system}' is not a valid system type`, at));
      if (this.#options.allSystems || system === this.#options.system) visit(system, set, at);
      else this.omittedSystems.add(system);
    });
  }

  #attempt(position: Position, doing: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof NixError)) throw error;
      error.addTrace(position, doing);
      this.#report(error);
    }
  }

  #report(error: NixError): void {
    if (!this.#options.keepGoing) throw error;
    this.hasErrors = true;
    const { host, settings } = this.#session;
    host.progress.message('notice', decodeUtf8(renderNixError(error, { showTrace: settings.showTrace })));
  }
}
