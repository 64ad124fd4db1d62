/** `nix profile`: adds, removes, upgrades and lists the packages of a profile, and keeps its history. */

import { encodeUtf8 } from '#base';
import { EnvironmentConflict } from '#build';
import type { StorePath } from '#formats';
import { profileTask, type ProfileQuestion, type ResolvedElement, type WantedElement } from '#host';
import { deleteGenerations, switchGeneration, timeOfAge } from '#store';
import { usageError } from '../../errors.ts';
import type { ClosableProgress } from '../../progress/output.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { autoArguments } from '../evaluation.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { flakeSource } from '../flake-flags.ts';
import {
  buildInstallables, expressionSource, installableFlags, outPathsOf, splitOutputs, storedOperand,
} from '../installables.ts';
import { profileChange } from '../profile-command.ts';
import {
  explainConflict, generationPaths, matchFlags, matchingNames, profileFlag, profileOf, readElements, updateProfile,
} from '../profile-elements.ts';
import {
  defaultPriority, identifierOf, installableOf, manifestChanges, manifestJson, nameOfElement, withElement,
  type Elements, type ProfileElement,
} from '../profile-manifest.ts';
import { closureDifferences } from './diff-closures.ts';

const add = defineCommand({
  name: 'nix profile add',
  operands: '[INSTALLABLES]',
  summary: 'Adds packages to a profile.',
  flags: [
    profileFlag,
    { names: ['--priority'], operands: ['NUMBER'], description: 'of files at one place, the smaller number wins' },
    ...installableFlags, ...buildFlags,
  ],
  async run(session) {
    const progress = await session.openProgress();
    const profile = profileOf(session);
    let elements = await readElements(session, profile);
    const added: string[] = [];
    for (const element of await newElements(session, progress)) {
      const name = nameOfElement(element);
      if (isSame(elements.get(name), element)) {
        progress.message('warning', `'${name}' is already added`);
        continue;
      }
      const before = elements;
      elements = withElement(elements, name, element);
      added.push(...[...elements.keys()].filter((one) => !before.has(one)));
    }
    try {
      await updateProfile(session, profile, elements);
    } catch (error) {
      throw error instanceof EnvironmentConflict ? explainConflict(error, elements, added) : error;
    }
  },
});

const remove = defineCommand({
  name: 'nix profile remove',
  operands: '[NAMES]',
  summary: 'Removes packages from a profile.',
  flags: [profileFlag, ...matchFlags],
  async run(session) {
    const progress = await session.openProgress();
    const profile = profileOf(session);
    const elements = await readElements(session, profile);
    const names = matchingNames(session, elements, (text) => progress.message('warning', text));
    if (names.size === 0) {
      progress.message('warning', "No packages to remove. Use 'nix profile list' to see the current profile.");
      return;
    }
    for (const name of names) {
      progress.message('notice', `removing '${identifierOf(elements.get(name) as ProfileElement)}'`);
    }
    const kept = new Map([...elements].filter(([name]) => !names.has(name)));
    progress.message('notice', `removed ${names.size} packages, kept ${kept.size} packages`);
    await updateProfile(session, profile, kept);
  },
});

const upgrade = defineCommand({
  name: 'nix profile upgrade',
  operands: '[NAMES]',
  summary: 'Takes the newest packages of the flakes that they were added from.',
  flags: [profileFlag, ...matchFlags, ...installableFlags, ...buildFlags],
  async run(session) {
    const progress = await session.openProgress();
    const profile = profileOf(session);
    const elements = new Map(await readElements(session, profile));
    const names = matchingNames(session, elements, (text) => progress.message('warning', text));
    if (names.size === 0) {
      progress.message('warning', "No packages to upgrade. Use 'nix profile list' to see the current profile.");
      return;
    }
    const upgradable = await upgradableNames(session, progress, elements, names);
    if (upgradable.length === 0) {
      progress.message('warning', 'Found some packages but none of them could be upgraded.');
      return;
    }
    for (const name of upgradable) {
      const old = elements.get(name) as ProfileElement;
      const source = old.source as NonNullable<ProfileElement['source']>;
      const operand = `${source.originalUrl}#.${source.attrPath}`;
      const [found] = await resolve(session, [{
        source: flakeSource(operand, session.flags, session.context), attributePath: '',
        outputs: source.outputs === null ? undefined : source.outputs.includes('*') ? 'all' : source.outputs,
      }], [['tarball-ttl', '0']]);
      if (found?.flake === undefined || found.flake.url === source.url) continue;
      progress.message(
        'notice', `upgrading '${source.attrPath}' from flake '${source.url}' to '${found.flake.url}'`);
      if (session.flags.has('--dry-run')) continue;
      const storePaths = await pathsOf(session, operand, found);
      elements.set(name, { ...old, storePaths, source: { ...source, ...found.flake } });
    }
    if (!session.flags.has('--dry-run')) await updateProfile(session, profile, elements);
  },
});

const list = defineCommand({
  name: 'nix profile list',
  summary: 'Lists the packages of a profile.',
  flags: [profileFlag, ...jsonFlags],
  async run(session) {
    const elements = await readElements(session, profileOf(session));
    if (session.flags.has('--json')) return session.printJson(manifestJson(elements));
    const bold = (text: string) => (session.context.color ? `\x1b[1m${text}\x1b[0m` : text);
    [...elements].forEach(([name, { active, source, storePaths }], index) => {
      if (index > 0) session.print('');
      session.print(`Name:               ${bold(name)}${active ? '' : ' (inactive)'}`);
      if (source !== undefined) {
        session.print(`Flake attribute:    ${installableOf({ ...source, originalUrl: '' }).slice(1)}`);
        session.print(`Original flake URL: ${source.originalUrl}`);
        session.print(`Locked flake URL:   ${source.url}`);
      }
      session.print(`Store paths:        ${storePaths.join(' ')}`);
    });
  },
});

const history = defineCommand({
  name: 'nix profile history',
  summary: 'Shows what each version of a profile changed.',
  flags: [profileFlag],
  async run(session) {
    let before: { number: number; elements: Elements } | undefined;
    for (const { number, link, creationTime, isCurrent } of generationPaths(session, profileOf(session))) {
      const elements = await readElements(session, link);
      if (before !== undefined) session.print('');
      const shown = session.context.color ? `\x1b[${isCurrent ? '32;1' : '1'}m${number}\x1b[0m` : String(number);
      const date = new Date(creationTime * 1000).toISOString().slice(0, 10);
      session.print(`Version ${shown} (${date})${before === undefined ? '' : ` <- ${before.number}`}:`);
      for (const line of manifestChanges(before?.elements ?? new Map(), elements)) session.print(`  ${line}`);
      before = { number, elements };
    }
  },
});

const diffClosures = defineCommand({
  name: 'nix profile diff-closures',
  summary: 'Shows how the closures of the versions of a profile differ.',
  flags: [profileFlag],
  async run(session) {
    const all = generationPaths(session, profileOf(session));
    all.slice(1).forEach((after, index) => {
      const before = all[index] as (typeof all)[number];
      if (index > 0) session.print('');
      session.print(`Version ${before.number} -> ${after.number}:`);
      for (const line of closureDifferences(session, before.path, after.path)) session.print(`  ${line}`);
    });
  },
});

const rollback = defineCommand({
  name: 'nix profile rollback',
  summary: 'Goes back to the version before the current one, or to another.',
  flags: [
    profileFlag, { names: ['--to'], operands: ['NUMBER'], description: 'the version to go to' },
    { names: ['--dry-run'], description: 'show what would be done' },
  ],
  async run(session) {
    const { flags, context } = session;
    const to = flags.last('--to');
    if (to !== undefined && !/^[0-9]+$/.test(to)) {
      throw usageError(`'--to' requires an integer argument, not '${to}'`, session.name);
    }
    await switchGeneration(
      profileOf(session), to === undefined ? undefined : Number(to), profileChange(flags, context), context.signal);
  },
});

const wipeHistory = defineCommand({
  name: 'nix profile wipe-history',
  summary: 'Deletes the versions of a profile but the current one.',
  flags: [
    profileFlag, { names: ['--older-than'], operands: ['Nd'], description: 'only those not in use for N days' },
    { names: ['--dry-run'], description: 'show what would be done' },
  ],
  async run(session) {
    const { flags, context } = session;
    const age = flags.last('--older-than');
    await deleteGenerations(
      profileOf(session),
      age === undefined ? { kind: 'old' } : { kind: 'olderThan', time: timeOfAge(age, Math.floor(Date.now() / 1000)) },
      profileChange(flags, context), context.signal);
  },
});

export const profileCommands = {
  add, remove, upgrade, list, history, rollback, 'diff-closures': diffClosures, 'wipe-history': wipeHistory,
};

/** What the operands mean, built. */
async function newElements(session: CommandSession, progress: ClosableProgress): Promise<ProfileElement[]> {
  const { flags, context } = session;
  const given = flags.last('--priority');
  if (given !== undefined && !/^-?[0-9]+$/.test(given)) {
    throw usageError(`'--priority' requires an integer argument, not '${given}'`, session.name);
  }
  const plain = expressionSource(session);
  const elements: ProfileElement[] = [];
  const operands = flags.operands.length > 0 ? flags.operands : [plain === undefined ? '.' : ''];
  for (const operand of operands) {
    const { text, outputs } = splitOutputs(operand);
    const stored = plain === undefined ? storedOperand(session, operand) : undefined;
    const source = plain ?? flakeSource(text, flags, context);
    const attributePath = encodeUtf8(text === '.' ? '' : text);
    const [found] = stored !== undefined ? [{ derived: [stored], flake: undefined, priority: undefined }]
      : await resolve(session, [{ source, attributePath, outputs }]);
    if (found === undefined) continue;
    progress.message('debug', `adding '${operand}'`);
    elements.push({
      storePaths: await pathsOf(session, operand, found),
      source: found.flake === undefined ? undefined
        : { ...found.flake, outputs: outputs === undefined ? null : outputs === 'all' ? ['*'] : outputs },
      active: true,
      priority: given === undefined ? found.priority ?? defaultPriority : Number(given),
    });
  }
  return elements;
}

/** Flakes, and expressions on the command line, see nothing else unless the user lets them. */
function pureSettings({ flags }: CommandSession, source: WantedElement['source']): (readonly [string, string])[] {
  const isPure = (source.kind === 'flake' || source.kind === 'text') && !flags.has('--impure');
  return isPure ? [['pure-eval', 'true']] : [];
}

function resolve(
  session: CommandSession, wanted: readonly WantedElement[],
  settingOverrides: readonly (readonly [string, string])[] = [],
): Promise<ResolvedElement[]> {
  const question: ProfileQuestion = {
    kind: 'resolve', wanted, autoArguments: autoArguments(session.flags, session.context),
  };
  const pure = wanted.flatMap(({ source }) => pureSettings(session, source));
  return session.workspace().evaluate<ResolvedElement[]>(profileTask, question, {
    settingOverrides: [...pure, ...settingOverrides],
  });
}

async function pathsOf(session: CommandSession, text: string, { derived }: ResolvedElement): Promise<StorePath[]> {
  return [...new Set(outPathsOf(await buildInstallables(session, [{ text, derived }])))].sort();
}

function isSame(old: ProfileElement | undefined, fresh: ProfileElement): boolean {
  return old?.source !== undefined && fresh.source !== undefined && old.priority === fresh.priority
    && old.source.originalUrl === fresh.source.originalUrl && old.source.attrPath === fresh.source.attrPath;
}

/** Those that come from flakes which change. */
async function upgradableNames(
  session: CommandSession, progress: ClosableProgress, elements: Elements, names: ReadonlySet<string>,
): Promise<string[]> {
  const fromFlakes = [...names].filter((name) => {
    const element = elements.get(name) as ProfileElement;
    if (element.source !== undefined) return true;
    progress.message('warning', `Found package '${identifierOf(element)}', `
      + "but it was not added from a flake, so it can't be checked for upgrades!");
    return false;
  });
  const question: ProfileQuestion = {
    kind: 'locked', references: fromFlakes.map((name) => elements.get(name)?.source?.originalUrl ?? ''),
  };
  const locked = fromFlakes.length === 0 ? []
    : await session.workspace().evaluate<boolean[]>(profileTask, question);
  return fromFlakes.filter((name, index) => {
    if (locked[index] !== true) return true;
    progress.message('warning', `Found package '${identifierOf(elements.get(name) as ProfileElement)}', `
      + "but it was added from a locked flake reference so it can't be upgraded!");
    return false;
  });
}
