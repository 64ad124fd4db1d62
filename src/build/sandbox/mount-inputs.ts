/**
 * How the inputs of a build come before its eyes: each is mounted, read-only, over an empty place.
 *
 * bwrap reads the table of all mounts again for each one that it makes: a few are quick, a thousand
 * take seconds, six thousand a minute. So where there are more than a few, util-linux's `mount`
 * makes them from one list, in a namespace around the sandbox's own; where it is missing or may not,
 * further bwraps do. Either way they stand in the folder that becomes the builder's store, and the
 * sandbox takes them over with that. Only these programs themselves run out there.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseNameOf, type StorePath } from '#formats';
import { bytePath, deleteTree } from '#store';
import type { BuildRequest } from '../builder.ts';
import { findProgram } from './find-program.ts';
import { ruledView, wholeView, type Enclosure } from './run-process.ts';
import { linkInput, writePublicFile, type Scratch } from './scratch.ts';

export interface MountedInput {
  readonly path: StorePath;
  /** An ordinary string. */
  readonly physical: string;
}

export interface InputMounts {
  /** Options of the sandbox's own bwrap. */
  readonly own: readonly string[];
  readonly around: readonly Enclosure[];
}

/** What mounts can be made with. */
export interface MountingTools {
  /** util-linux's mount, if it can be used; else bwrap makes them all. */
  readonly mount: string | undefined;
  /** How many arguments each bwrap takes. */
  readonly argumentLimit: number;
}

/** More inputs than these are not for bwrap alone. */
export const fewInputs = 48;

/** The inputs that are mounts; those that are links are put into the builder's store. */
export function mountedInputs({ store, inputPaths }: BuildRequest, scratch: Scratch): MountedInput[] {
  return inputPaths.map((path) => ({ path, physical: store.physicalPath(path) }))
    .filter(({ path, physical }) => !linkInput(scratch, path, physical));
}

/**
 * Plans the mounts; `taken` says how many arguments of the sandbox's own bwrap and of those around
 * it are for other things. With `mount`, their places in the builder's store are made at once.
 */
export function mountInputs(
  inputs: readonly MountedInput[], scratch: Scratch, tools: MountingTools, taken: { own: number; command: number },
): InputMounts {
  if (tools.mount !== undefined && inputs.length > fewInputs) {
    return { own: [], around: [enclosureOf(tools.mount, inputs, scratch)] };
  }
  const room = Math.floor((tools.argumentLimit - taken.own) / 3);
  const own = inputs.slice(0, room).flatMap(({ physical, path }) => ['--ro-bind', bytePath(physical), path]);
  return { own, around: enclosuresOf(inputs.slice(room), scratch, tools.argumentLimit - taken.command) };
}

const mountingView = ruledView('CAP_SYS_ADMIN');

/** Options of `mount`: all of a list, without looking at where links lead to. */
const listOptions = ['-c', '-a', '-T'];
const inputOptions = 'bind,ro,nosuid,nodev';

/** Mounts from a list; then what is enclosed takes the place of the shell. */
const script = `mount=$1 list=$2; shift 2; "$mount" ${listOptions.join(' ')} "$list" && exec "$@"`;

function enclosureOf(mount: string, inputs: readonly MountedInput[], scratch: Scratch): Enclosure {
  const list = join(scratch.root, 'inputs');
  writePublicFile(list, inputs.map((input) => lineOf(input, scratch)).join(''));
  return { options: mountingView, before: ['/bin/sh', '-c', script, 'sh', mount, list] };
}

/** Makes the place for an input, and says in a line of the list what to mount there. */
function lineOf({ path, physical }: MountedInput, scratch: Scratch): string {
  const place = join(scratch.store, baseNameOf(path));
  if (lstatSync(physical).isDirectory()) mkdirSync(place);
  else closeSync(openSync(place, 'wx'));
  return `${listed(physical)} ${listed(place)} none ${inputOptions} 0 0\n`;
}

/** A path as it stands in a list of mounts. */
function listed(path: string): string {
  return bytePath(path).replace(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function enclosuresOf(inputs: readonly MountedInput[], scratch: Scratch, limit: number): Enclosure[] {
  const room = Math.floor((limit - wholeView.length) / 3);
  return Array.from({ length: Math.ceil(inputs.length / room) }, (_, stage) => ({
    options: [
      ...wholeView,
      ...inputs.slice(stage * room, (stage + 1) * room)
        .flatMap(({ path, physical }) => ['--ro-bind', bytePath(physical), bytePath(join(scratch.store, baseNameOf(path)))]),
    ],
  }));
}

/**
 * Finds util-linux's mount and tries it on `folder` (where the store's files are), as builders' user,
 * with a bwrap in it as it will be: there are other programs of that name, and systems that give such
 * namespaces no powers.
 */
export function findMount(
  bwrap: string, searchPath: string, folder: string, identity: number | undefined,
): string | undefined {
  const mount = findProgram('mount', searchPath);
  if (mount === undefined) return undefined;
  const inner = [bwrap, '--unshare-user', '--uid', '1000', '--gid', '100', '--ro-bind', '/', '/', '--', bwrap, '--version'];
  const list = openList(`${listed(folder)} ${listed(folder)} none ${inputOptions} 0 0\n`);
  try {
    const trial = spawnSync(bwrap, [...mountingView, '--', '/bin/sh', '-c', script, 'sh', mount, '/dev/stdin', ...inner], {
      stdio: [list, 'ignore', 'ignore'], env: {}, ...(identity === undefined ? {} : { uid: identity, gid: identity }),
    });
    return trial.status === 0 ? mount : undefined;
  } finally {
    closeSync(list);
  }
}

/** A file of that text without a name, which anybody can open anew by its descriptor; a pipe cannot be. */
function openList(text: string): number {
  const place = mkdtempSync(join(tmpdir(), 'firn-mounts-'));
  try {
    const file = join(place, 'list');
    writePublicFile(file, text);
    return openSync(file, 'r');
  } finally {
    deleteTree(bytePath(place));
  }
}
