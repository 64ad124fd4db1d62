/**
 * `firn build`: from configurations to an image in `./result`.
 *
 * Prints where the image is, its size and hash, how long each step took, and what to do with it.
 */

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { StorePath } from '#formats';
import { cacheDirectory, hostSystem, storeLocation } from '#host';
import { instantiateFlakeImage, instantiateImage, realiseImage, Workspace, type BuiltImage, type ImageFormat } from '#system';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { trustedSettings } from '../nix/flake-config.ts';
import { describeMissing } from '../nix/missing.ts';
import { addRoot } from '../nix/roots.ts';
import { formatBytes, formatDuration } from '../progress/describe.ts';
import { openProgress } from '../progress/open.ts';

interface BuildOptions {
  readonly config?: string;
  readonly format: ImageFormat;
  readonly outLink: string | false;
  readonly tree?: string;
  readonly system?: string;
  readonly mirror?: string;
  readonly lock?: string;
  readonly store?: string;
  readonly include: readonly string[];
  readonly jobs: number;
  readonly cores: number;
  readonly dryRun?: boolean;
  readonly showTrace?: boolean;
  readonly verbose?: boolean;
}

const ownTree = fileURLToPath(new URL('../../../distro', import.meta.url));

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const parsed = parse(argv, context);
  return parsed === undefined ? 0 : build(parsed.hosts, parsed.options, context);
}

async function build(
  hosts: readonly string[],
  options: BuildOptions,
  context: CommandContext,
): Promise<number> {
  const started = performance.now();
  const { cwd, env, signal, stderr, color } = context;
  const progress = await openProgress(stderr, {
    verbosity: options.verbose === true ? 4 : 3, showLogs: options.verbose === true, color,
  });
  const tree = options.tree === undefined ? ownTree : resolve(cwd, options.tree);
  const flake = flakeOf(hosts);
  const absoluteHosts = flake === undefined ? hosts.map((host) => resolve(cwd, host)) : [];
  const firstHost = absoluteHosts[0];
  const workspace = new Workspace({
    environment: env,
    workingDirectory: cwd,
    // An image is made to be copied and booted: its link opens, wherever the store stands.
    store: { ...storeLocation({ environment: env, overrides: [] }, options.store), logicalLinks: false },
    cacheDirectory: cacheDirectory(env),
    lockPath:
      options.lock === undefined
        ? join(firstHost === undefined ? flakeFolder(flake, cwd) : dirname(firstHost), 'firn.lock')
        : resolve(cwd, options.lock),
    mirror: options.mirror,
    settingOverrides: options.showTrace === true ? [['show-trace', 'true']] : [],
    includes: options.include,
    jobs: options.jobs,
    cores: options.cores,
    color,
    treeRoot: tree,
    trustSettings: (config, settings) => trustedSettings(config, settings, context, progress),
    progress,
    signal,
  });
  try {
    const found = flake === undefined
      ? await instantiateImage(workspace, {
          tree,
          hosts: absoluteHosts,
          profile: options.config,
          format: options.format,
          system: options.system ?? systemFor(tree),
        })
      : await instantiateFlakeImage(workspace, {
          flake, profile: options.config, format: options.format, system: options.system ?? systemFor(''),
        });
    if (options.dryRun === true) {
      progress.close();
      const wanted = [{ drvPath: found.drvPath as StorePath, outputs: [found.output] }];
      const { substituters } = workspace;
      context.stderr.write(await describeMissing(workspace.store, wanted, { substituters }));
      context.stdout.write(`${found.drvPath}\n`);
      return 0;
    }
    const image = await realiseImage(workspace, options.format, found, progress);
    const link = options.outLink === false ? undefined : resolve(cwd, options.outLink);
    if (link !== undefined) addRoot(workspace.store, link, image.outPath);
    const lastByteAtMs = progress.lastBytesAt('download');
    progress.close();
    context.stdout.write(describe(image, options.format, link, workspace, cwd));
    stderr.write(`${timeTaken(started, lastByteAtMs)}\n`);
    return 0;
  } finally {
    progress.close();
    await workspace.close();
  }
}

function timeTaken(startedMs: number, lastByteAtMs: number | undefined): string {
  const now = performance.now();
  const all = `done in ${formatDuration(now - startedMs)}`;
  return lastByteAtMs === undefined ? all : `${all}, ${formatDuration(now - lastByteAtMs)} after the last download`;
}

/** The flake that is named instead of files: `.#name`. */
function flakeOf(hosts: readonly string[]): string | undefined {
  const flake = hosts.find((host) => host.includes('#'));
  if (flake !== undefined && hosts.length > 1) throw usageError('A flake is built alone', 'firn build');
  return flake;
}

/** Where a flake's lock of the archive stands: in the flake, if that is a folder here. */
function flakeFolder(flake: string | undefined, cwd: string): string {
  const [, path] = /^(?:path:|git\+file:(?:\/\/)?)?([./][^?#]*)/.exec(flake ?? '') ?? [];
  const folder = resolve(cwd, path ?? '.');
  return existsSync(join(folder, 'flake.nix')) ? folder : cwd;
}

/** Our own tree's packages are amd64's on whatever machine; another tree's are this machine's. */
function systemFor(tree: string): string {
  return tree === ownTree ? 'x86_64-linux' : hostSystem().replace(/-darwin$/, '-linux');
}

function describe(
  image: BuiltImage,
  format: ImageFormat,
  link: string | undefined,
  workspace: Workspace,
  cwd: string,
): string {
  const physicalOutput = workspace.store.physicalPath(image.outPath);
  const shown = (path: string) => {
    if (link === undefined) return path;
    const linked = relative(cwd, join(link, relative(physicalOutput, path)));
    return linked.startsWith('..') ? join(link, relative(physicalOutput, path)) : `./${linked}`;
  };
  const lines: string[] = [''];
  for (const file of image.files) {
    lines.push(`  ${shown(file.path)}`);
    lines.push(`    size    ${formatBytes(file.sizeBytes)} (${file.sizeBytes} bytes)`);
    lines.push(`    sha256  ${file.sha256}`);
  }
  const [first] = image.files;
  const path = first === undefined ? '' : shown(first.path);
  lines.push('', ...(format === 'iso' ? isoAdvice(path) : netbootAdvice(image, shown)), '');
  return lines.join('\n');
}

function isoAdvice(path: string): string[] {
  if (path.endsWith('.zst')) {
    const iso = basename(path, '.zst');
    return [
      '  unpack it onto a USB stick (sdX is the whole stick; what is on it is lost):',
      `    zstd -dc ${path} | sudo dd of=/dev/sdX bs=4M conv=fsync status=progress`,
      '  or unpack it and boot it in a virtual machine:',
      `    zstd -d ${path} -o ${iso} && qemu-system-x86_64 -m 2048 -cdrom ${iso}`,
    ];
  }
  return [
    '  write it to a USB stick (sdX is the whole stick; what is on it is lost):',
    `    sudo dd if=${path} of=/dev/sdX bs=4M conv=fsync status=progress`,
    '  or boot it in a virtual machine:',
    `    qemu-system-x86_64 -m 2048 -cdrom ${path}`,
  ];
}

function netbootAdvice(image: BuiltImage, shown: (path: string) => string): string[] {
  const find = (pattern: RegExp) => {
    const file = image.files.find((one) => pattern.test(basename(one.path)));
    return file === undefined ? '' : shown(file.path);
  };
  const kernel = find(/^bzImage|^vmlinuz/);
  return [
    '  serve the files and let iPXE load netboot.ipxe, or boot them in a virtual machine:',
    `    qemu-system-x86_64 -m 2048 -kernel ${kernel} -initrd ${find(/^initrd/)} -append "${kernelParameters(image)}"`,
  ];
}

/** What iPXE's script starts the kernel with. */
function kernelParameters(image: BuiltImage): string {
  const script = image.files.find((file) => file.path.endsWith('.ipxe'));
  const text = script === undefined ? '' : readFileSync(script.path, 'utf8');
  return /^kernel \S+ initrd=\S+ (.*?)(?: \$\{cmdline\})?$/m.exec(text)?.[1] ?? '…';
}

function parse(
  argv: readonly string[],
  context: CommandContext,
): { hosts: string[]; options: BuildOptions } | undefined {
  const command = new Command('firn build')
    .description(
      'Builds a bootable image from configurations.\n\n' +
        'Without a host configuration it builds the minimal live installer. A host ' +
        'configuration is combined with it, unless the host imports an installer module ' +
        'itself. The state of the Debian archive is pinned by firn.lock beside the first host ' +
        'or in the flake (else here), made at first use.',
    )
    .argument('[host...]', 'host configurations: files, folders with a default.nix, or one FLAKE#NAME')
    .option('-c, --config <name>', "one of the tree's default configurations, or a file")
    .addOption(
      new Option('-f, --format <format>', 'what to build').choices(['iso', 'netboot']).default('iso'),
    )
    .option('-o, --out-link <path>', 'where the link to the result goes', 'result')
    .option('--no-out-link', 'make no link')
    .option('-I, --include <entry>', 'add NAME=PATH to the search path', collect, [])
    .option('--tree <path>', 'a nixpkgs checkout instead of the tree that comes with firn')
    .option('--system <system>', 'the system that the image is for')
    .option('--mirror <url>', "the Debian mirror (default: this machine's apt sources)")
    .option('--lock <file>', 'the lock file')
    .option('--store <path>', 'the root below which nix/store stands')
    .option('-j, --jobs <n>', 'how many builds at once', count, availableParallelism())
    .option('--cores <n>', 'how many processors one build may use', count, availableParallelism())
    .option('--dry-run', 'evaluate, and show what would be built')
    .option('--show-trace', 'show the whole trace of an evaluation error')
    .option('-v, --verbose', 'say more')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  firn build\n' +
        '  firn build ./my-host.nix\n' +
        '  firn build ./my-host.nix ./extra.nix --config installation-cd-minimal\n' +
        '  firn build --format netboot -o netboot\n' +
        '  firn build .#nixosConfigurations.my-host\n',
    )
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: () => {},
    })
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw usageError(sentence(error.message), 'firn build');
  }
  return { hosts: command.args, options: command.opts<BuildOptions>() };
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a number from 1 up');
  return number;
}

/** The library's `error: unknown option '--x'` in our own form. */
function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replace(/\.$/, '');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
