/**
 * Building an image: which expression a request means, and what came out of it.
 *
 * A request names host configurations and, perhaps, one of the tree's default ones. If the hosts
 * alone describe an image already (one of them imports an installer module), they are taken as they
 * are; otherwise the default configuration is added to them.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { Progress } from '#base';
import type { StorePath } from '#formats';
import { instantiateTask, type FoundDerivation, type InstantiateInput } from '#host';
import { bytePath } from '#store';
import { noImageInFlake, noImageInOutput, noSuchConfiguration, noSuchProfile, notATree } from './errors.ts';
import type { Workspace } from './workspace.ts';

export type ImageFormat = 'iso' | 'netboot';

export interface ImageRequest {
  /** A folder shaped like nixpkgs. */
  readonly tree: string;
  /** Host configurations: files, or folders with a default.nix. Absolute. */
  readonly hosts: readonly string[];
  /** One of the tree's default configurations by name, or a file; added to the hosts. */
  readonly profile?: string | undefined;
  readonly format: ImageFormat;
  /** `x86_64-linux`. */
  readonly system: string;
}

export interface ImageFile {
  /** Where it stands on this machine. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface BuiltImage {
  readonly drvPath: StorePath;
  /** Logical. */
  readonly outPath: StorePath;
  readonly files: readonly ImageFile[];
}

interface FormatTraits {
  readonly folder: string;
  readonly defaultProfile: string;
  /** The option whose presence says that a configuration describes such an image. */
  readonly option: string;
  /** From a `system` as nixos/default.nix gives it, to the derivation. */
  readonly derivation: string;
  /** Folder of the files in the output. */
  readonly output: string;
}

const formats: Record<ImageFormat, FormatTraits> = {
  iso: {
    folder: 'cd-dvd',
    defaultProfile: 'installation-cd-minimal',
    option: 'isoImage',
    derivation: 'system.config.system.build.isoImage',
    output: 'iso',
  },
  netboot: {
    folder: 'netboot',
    defaultProfile: 'netboot-minimal',
    option: 'netboot',
    // nixpkgs has the parts alone, so there they are linked together.
    derivation:
      'system.config.system.build.netboot or (system.pkgs.symlinkJoin { name = "netboot";'
      + ' paths = with system.config.system.build; [ netbootRamdisk kernel netbootIpxeScript ]; })',
    output: '.',
  },
};

/** The Nix expression of a request, checked against the disk: a byte string. */
export async function imageExpression(request: ImageRequest): Promise<string> {
  const traits = formats[request.format];
  if (!(await isFile(join(request.tree, 'nixos/default.nix')))) throw notATree(request.tree);
  for (const host of request.hosts) {
    if ((await statOf(host)) === undefined) throw noSuchConfiguration(host);
  }
  const profile = await profilePath(request, traits);
  const nixos = `import ${pathLiteral(join(request.tree, 'nixos'))}`;
  const system = JSON.stringify(request.system);
  const build = (imports: readonly string[], more = '') =>
    `${nixos} { system = ${system}; configuration = { imports = [ ${imports.map(pathLiteral).join(' ')} ];${more} }; }`;
  const withProfile = build([...request.hosts, profile]);
  const isChosen = request.profile !== undefined || request.hosts.length === 0;
  const lines = isChosen
    ? [`let system = ${withProfile};`]
    : [
        // Hosts may set options that only the installer's module declares: nothing is held against
        // them before that module is there.
        `let alone = ${build(request.hosts, ' _module.check = false;')};`,
        `    system = if alone.options ? ${traits.option} then ${build(request.hosts)} else ${withProfile};`,
      ];
  return `${lines.join('\n')}\nin ${traits.derivation}`;
}

/** Evaluates a request to its derivation, written to the store. */
export async function instantiateImage(
  workspace: Workspace,
  request: ImageRequest,
): Promise<FoundDerivation> {
  const input: InstantiateInput = {
    sources: [{ kind: 'text', text: await imageExpression(request) }],
    attributePaths: [],
    autoArguments: [],
  };
  const found = await workspace.evaluate<FoundDerivation[]>(instantiateTask, input);
  return found[0] as FoundDerivation;
}

/** The image of a configuration in a flake, or whatever derivation the flake has there. */
export interface FlakeImageRequest {
  /** `REFERENCE#NAME`, the name as it is or one of `nixosConfigurations`. */
  readonly flake: string;
  /** Added to a configuration that describes no image of the format by itself. */
  readonly profile?: string | undefined;
  readonly format: ImageFormat;
  readonly system: string;
}

/** Evaluates a flake's image to its derivation, written to the store. */
export async function instantiateFlakeImage(
  workspace: Workspace,
  request: FlakeImageRequest,
): Promise<FoundDerivation> {
  const { flake, format, system } = request;
  const input: InstantiateInput = {
    sources: [{
      kind: 'flake', reference: bytePath(flake), lock: {}, apply: flakeImageFunction(format, request.profile),
      attributes: {
        prefixes: ['nixosConfigurations.', `packages.${system}.`], defaults: [`packages.${system}.default`],
      },
    }],
    attributePaths: [],
    autoArguments: [],
  };
  const [found] = await workspace.evaluate<FoundDerivation[]>(instantiateTask, input, {
    settingOverrides: [['pure-eval', 'true'], ['extra-experimental-features', 'flakes nix-command']],
    archiveInPure: true,
  });
  if (found === undefined) throw noImageInFlake(flake);
  return found;
}

/** From what a flake has to the image: the installer's module is that of the flake's own nixpkgs. */
function flakeImageFunction(format: ImageFormat, profile?: string): string {
  const { folder, option, derivation, defaultProfile } = formats[format];
  const name = profile ?? defaultProfile;
  if (!/^[\w+.-]+$/.test(name)) throw noSuchProfile(name, []);
  const module = `(unchecked.pkgs or value.pkgs).path + "/nixos/modules/installer/${folder}/${name}.nix"`;
  return `value:
    let
      # Options that only the installer's module declares may be set before it is there.
      unchecked =
        if value ? extendModules then value.extendModules { modules = [ { _module.check = false; } ]; }
        else value;
      isImage = ${profile === undefined ? `unchecked ? options.${option}` : 'false'};
      system =
        if isImage then value
        else if value ? extendModules then value.extendModules { modules = [ (${module}) ]; }
        else throw "this configuration imports no installer module, and none can be added to it: it has no 'extendModules'. Import one in it, or make it with lib.nixosSystem";
    in if value ? config && value ? options then ${derivation} else value`;
}

/** Builds the image of an instantiated request and measures its files. */
export async function realiseImage(
  workspace: Workspace,
  format: ImageFormat,
  { drvPath, output }: FoundDerivation,
  progress: Progress,
): Promise<BuiltImage> {
  const realised = await workspace.realise([{ drvPath: drvPath as StorePath, outputs: [output] }]);
  const outPath = realised.get(drvPath as StorePath)?.get(output) as StorePath;
  const folder = join(workspace.store.physicalPath(outPath), formats[format].output);
  const files: ImageFile[] = [];
  for (const path of await imageFiles(workspace, folder)) files.push(await measure(path, progress));
  if (files.length === 0) throw noImageInOutput(outPath);
  return { drvPath: drvPath as StorePath, outPath, files };
}

async function profilePath(request: ImageRequest, traits: FormatTraits): Promise<string> {
  const name = request.profile ?? traits.defaultProfile;
  const folder = join(request.tree, 'nixos/modules/installer', traits.folder);
  const named = join(folder, `${name}.nix`);
  if (/^[\w+.-]+$/.test(name) && (await isFile(named))) return named;
  const file = isAbsolute(name) ? name : resolve(name);
  if ((await statOf(file)) !== undefined) return file;
  const known = (await readdir(folder).catch(() => []))
    .filter((entry) => entry.endsWith('.nix'))
    .map((entry) => entry.slice(0, -'.nix'.length))
    .sort();
  throw noSuchProfile(name, known);
}

/** A path as a Nix expression; any name of a file may stand in it. A byte string. */
function pathLiteral(path: string): string {
  const escaped = bytePath(path).replace(/["\\]/g, '\\$&').replace(/\$\{/g, '\\${');
  return `(/. + "${escaped}")`;
}

/** The regular files of an output's folder, each once, by name; links are other names of them. */
async function imageFiles(workspace: Workspace, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = new Map<string, string>();
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const target = entry.isSymbolicLink() ? await followLink(workspace, path) : path;
    if (target === undefined || !(await isFile(target))) continue;
    if (!files.has(target) || basename(target) === entry.name) files.set(target, path);
  }
  return [...files.keys()];
}

/** Follows a link whose target may be a logical store path. */
async function followLink(workspace: Workspace, path: string): Promise<string | undefined> {
  const target = resolve(join(path, '..'), await readlink(path));
  const { storeDirectory } = workspace.store;
  const physical = target.startsWith(`${storeDirectory}/`) ? workspace.store.physicalPath(target) : target;
  return realpath(physical).catch(() => undefined);
}

async function measure(path: string, progress: Progress): Promise<ImageFile> {
  const { size } = await stat(path);
  const activity = progress.start('verify', basename(path), { total: size, unit: 'bytes' });
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Uint8Array);
    activity.advance((chunk as Uint8Array).length);
  }
  activity.finish();
  return { path, sizeBytes: size, sha256: hash.digest('hex') };
}

async function statOf(path: string) {
  return stat(path).catch(() => undefined);
}

async function isFile(path: string): Promise<boolean> {
  return (await statOf(path))?.isFile() ?? false;
}
