/**
 * The task that changes a user environment: install, upgrade, uninstall, set a flag, or set the whole.
 *
 * It finds the packages that the new environment has, has them built, and makes the derivation of
 * the environment. To build that one and to switch the profile is left to whoever started it.
 */

import { NixError } from '#diagnostics';
import { compareVersions, parseDrvName } from '#runtime';
import type { EvaluationSession } from '../../worker/session.ts';
import { makeUserEnvironment } from './environment.ts';
import type { ChangeInput, ChangeQuestion, ChangeResult, EnvironmentChange, PackagePaths } from './messages.ts';
import type { PackageInfo } from './package-info.ts';
import { queryInstalled, queryPackages } from './package-source.ts';
import { comparePriorities, Selector } from './selectors.ts';

export type { ChangeInput, ChangeQuestion, ChangeResult, EnvironmentChange, PackagePaths };

export function run(session: EvaluationSession, input: unknown): ChangeResult {
  return new Change(session, input as ChangeInput).run();
}

/** What the environment will have, and what of it is new. */
interface Plan {
  readonly packages: readonly PackageInfo[];
  readonly announced: readonly PackageInfo[];
}

class Change {
  readonly #session: EvaluationSession;
  readonly #input: ChangeInput;
  readonly #messages: string[] = [];

  constructor(session: EvaluationSession, input: ChangeInput) {
    this.#session = session;
    this.#input = input;
  }

  run(): ChangeResult {
    const { change, keepDerivations } = this.#input;
    if (change.kind === 'set') return this.#set();
    const { packages, announced } = this.#plan(change);
    const needed = this.#needed(packages);
    if (!this.#realise(announced, needed)) return undefined;
    return makeUserEnvironment(this.#session, packages, keepDerivations);
  }

  /** What must be valid; what was to be done is told also if that cannot be said. */
  #needed(packages: readonly PackageInfo[]): PackagePaths[] {
    try {
      const outputs = packages.flatMap((one) => (one.drvPath === undefined
        ? [...one.outputsToInstall().values()].map((path = '') => ({ path })) : []));
      return [...derivationsOf(packages), ...outputs];
    } catch (error) {
      for (const text of this.#messages) this.#session.host.progress.message('info', text);
      throw error;
    }
  }

  #plan(change: Exclude<EnvironmentChange, { kind: 'set' }>): Plan {
    switch (change.kind) {
      case 'install': return this.#install(change);
      case 'upgrade': return this.#upgrade(change.when);
      case 'uninstall': return { packages: this.#uninstall(), announced: [] };
      case 'setFlag': return { packages: this.#setFlag(change.name, change.value), announced: [] };
    }
  }

  #install({ priority, removeAll, preserveInstalled }: Extract<EnvironmentChange, { kind: 'install' }>): Plan {
    const { forceName } = this.#input;
    const added = this.#prebuilt(this.#wanted(true));
    for (const one of added) {
      if (forceName !== undefined) one.name = forceName;
      if (priority !== undefined) one.setMeta('priority', String(priority));
    }
    if (removeAll) return { packages: added, announced: added };
    const names = new Set(added.map((one) => parseDrvName(one.name).name));
    const kept = this.#installed().filter((one) => {
      if (preserveInstalled || !names.has(parseDrvName(one.name).name) || keeps(one)) return true;
      this.#messages.push(`replacing old '${one.name}'`);
      return false;
    });
    for (const one of added) this.#messages.push(`installing '${one.name}'`);
    return { packages: [...added, ...kept], announced: added };
  }

  #upgrade(when: 'lt' | 'leq' | 'eq' | 'always'): Plan {
    const installed = this.#installed();
    const available = this.#wanted(false);
    const packages = installed.map((one) => {
      try {
        return keeps(one) ? one : this.#upgradeOf(one, available, when);
      } catch (error) {
        if (error instanceof NixError) error.addTrace(0, `while trying to find an upgrade for '${one.name}'`);
        throw error;
      }
    });
    return { packages, announced: packages };
  }

  /** The best of the available ones with its name, never one of a lower priority; or itself. */
  #upgradeOf(
    old: PackageInfo, available: readonly PackageInfo[], when: 'lt' | 'leq' | 'eq' | 'always',
  ): PackageInfo {
    const { name, version } = parseDrvName(old.name);
    let best: PackageInfo | undefined;
    const versionOf = (one: PackageInfo) => parseDrvName(one.name).version;
    for (const one of available) {
      if (comparePriorities(old, one) > 0 || parseDrvName(one.name).name !== name) continue;
      const order = compareVersions(version, versionOf(one));
      if (!orderFits(order, when)) continue;
      const isBetter = best === undefined
        || (comparePriorities(best, one) || compareVersions(versionOf(best), versionOf(one))) < 0;
      if (isBetter && this.#prebuilt([one]).length > 0) best = one;
    }
    if (best === undefined || best.outPath === old.outPath) return old;
    const action = compareVersions(version, versionOf(best)) <= 0 ? 'upgrading' : 'downgrading';
    this.#messages.push(`${action} '${old.name}' to '${best.name}'`);
    return best;
  }

  #uninstall(): PackageInfo[] {
    let left = this.#installed();
    for (const operand of this.#input.operands) {
      // Store paths come as such; names have no slash.
      const selector = operand.includes('/') ? undefined : new Selector(operand);
      const isMeant = (one: PackageInfo) =>
        (selector === undefined ? one.outPath === operand : selector.matches(one.name));
      const gone = left.filter(isMeant);
      if (gone.length === 0) {
        this.#session.host.progress.message('warning', `selector '${operand}' matched no installed derivations`);
      }
      for (const one of gone) this.#messages.push(`uninstalling '${one.name}'`);
      left = left.filter((one) => !gone.includes(one));
    }
    return left;
  }

  #setFlag(name: string, value: string): PackageInfo[] {
    const packages = this.#installed();
    const selectors = this.#input.operands.map((text) => new Selector(text));
    for (const one of packages) {
      const selector = selectors.find((candidate) => candidate.matches(one.name));
      if (selector === undefined) continue;
      selector.hits++;
      this.#messages.push(`setting flag on '${one.name}'`);
      one.setMeta(name, value);
    }
    for (const { hits, text } of selectors) {
      if (hits === 0 && text !== '*') throw new NixError('Error', `selector '${text}' matches no derivations`);
    }
    return packages;
  }

  #set(): ChangeResult {
    const packages = this.#wanted(true);
    const [only] = packages;
    if (only === undefined || packages.length > 1) throw new NixError('Error', '--set requires exactly one derivation');
    const { outPath } = only;
    return this.#realise(packages, pathsOf(packages)) ? { outPath } : undefined;
  }

  #wanted(newestOnly: boolean): PackageInfo[] {
    return queryPackages(this.#session, this.#input.source, this.#input.operands, { newestOnly });
  }

  #installed(): PackageInfo[] {
    return queryInstalled(this.#session, this.#input.profile);
  }

  /** Without --prebuilt-only all of them. */
  #prebuilt(packages: PackageInfo[]): PackageInfo[] {
    if (!this.#input.prebuiltOnly || packages.length === 0) return packages;
    const paths = packages.map((one) => one.outPath);
    const found = new Set(this.#ask({ kind: 'prebuilt', paths }) as string[]);
    return packages.filter((one) => found.has(one.outPath));
  }

  #realise(announced: readonly PackageInfo[], needed: readonly PackagePaths[]): boolean {
    this.#session.host.flush();
    return this.#ask({
      kind: 'realise', messages: this.#messages, announced: pathsOf(announced), needed,
    }) as boolean;
  }

  #ask(question: ChangeQuestion): unknown {
    return this.#session.converse(question);
  }
}

/** Whether the version installed, compared with another, lets that replace it. */
function orderFits(order: number, when: 'lt' | 'leq' | 'eq' | 'always'): boolean {
  switch (when) {
    case 'lt': return order < 0;
    case 'leq': return order <= 0;
    case 'eq': return order === 0;
    case 'always': return true;
  }
}

function pathsOf(packages: readonly PackageInfo[]): PackagePaths[] {
  return packages.map((one) => (one.drvPath === undefined ? { path: one.outPath } : { drvPath: one.drvPath }));
}

function derivationsOf(packages: readonly PackageInfo[]): PackagePaths[] {
  return packages.flatMap(({ drvPath }) => (drvPath === undefined ? [] : [{ drvPath }]));
}

/** `nix-env --set-flag keep true NAME` protects it from upgrades and replacement. */
function keeps(info: PackageInfo): boolean {
  return info.metaFlag('keep', false);
}
