/**
 * Whole systems of nixpkgs: installation media, network boot, disk images, hosts of several kinds.
 * Each must have C++ Nix's derivation, or fail where C++ Nix fails; of some, every derivation of the
 * closure must have the same bytes.
 *
 * FIRN_TEST_NIXPKGS_ONLY, a part of a title, picks systems.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { deleteTree } from '#store';
import {
  compareDerivations, nixpkgs, oracle, own, scratchFolder, withTree, withTreeAndNix,
} from './support.ts';

const hosts = join(import.meta.dirname, 'hosts');
const installers = join(nixpkgs, 'nixos/modules/installer');
const only = process.env['FIRN_TEST_NIXPKGS_ONLY'] ?? '';

interface System {
  readonly title: string;
  readonly configuration: string;
  /** Below `config.system.build`. */
  readonly attribute: string;
  readonly platform?: string;
}

function modulesIn(folder: string, pattern: RegExp): string[] {
  const place = join(installers, folder);
  return existsSync(place) ? readdirSync(place).filter((name) => pattern.test(name)).sort() : [];
}

function installationMedia(): System[] {
  return modulesIn('cd-dvd', /^installation-cd-.*\.nix$/).map((name) => (
    { title: name, configuration: join(installers, 'cd-dvd', name), attribute: 'isoImage' }));
}

function networkBoot(): System[] {
  const configuration = join(installers, 'netboot/netboot-minimal.nix');
  return ['netbootRamdisk', 'netbootIpxeScript', 'kexecTree', 'kernel']
    .map((attribute) => ({ title: `netboot-minimal.nix: ${attribute}`, configuration, attribute }));
}

/** What each card's name says of the machine; `sd-image.nix` is what they have in common. */
const cardPlatforms = /aarch64|x86_64|riscv64|armv7l|powerpc64le|raspberrypi/;

function cards(): System[] {
  return modulesIn('sd-card', /^sd-image-.*\.nix$/).map((name) => {
    const machine = cardPlatforms.exec(name)?.[0] ?? 'aarch64';
    return {
      title: name,
      configuration: join(installers, 'sd-card', name),
      attribute: 'sdImage',
      platform: `${machine === 'raspberrypi' ? 'armv6l' : machine}-linux`,
    };
  });
}

function ownHosts(): System[] {
  return readdirSync(hosts).sort().flatMap((name): System[] => {
    const host = { title: `the host ${name}`, configuration: join(hosts, name) };
    const systems = [{ ...host, attribute: 'toplevel' }];
    return name === 'overrides.nix' ? [...systems, { ...host, attribute: 'isoImage' }] : systems;
  });
}

/** Variants of `system.build.images` as the tree names them; by our evaluator, C++ Nix is the judge later. */
function diskImages(): System[] {
  if (withTree.skip !== false || !existsSync(join(nixpkgs, 'nixos/modules/image/images.nix'))) return [];
  const configuration = join(import.meta.dirname, 'image.nix');
  const { stdout } = own(['--eval', '--strict', '--json', '-E',
    `builtins.attrNames (import ${nixpkgs}/nixos { configuration = ${configuration}; }).config.image.modules`]);
  return (JSON.parse(stdout) as string[]).map((name) => (
    { title: `system.build.images.${name}`, configuration, attribute: `images.${name}` }));
}

/**
 * The derivations' paths in the order of the systems, all from one process; null where evaluation
 * fails with a message. One that fails ends the process: then each has one of its own.
 */
function drvPaths(side: typeof own, systems: readonly System[]): (string | null)[] {
  const values = systems.map(({ configuration, attribute, platform = 'x86_64-linux' }) =>
    `(import ${nixpkgs}/nixos { system = "${platform}"; configuration = ${configuration}; })`
      + `.config.system.build.${attribute}.drvPath`);
  const { status, stdout, stderr } = side(
    ['--eval', '--strict', '--json', '-E', `[ ${values.join(' ')} ]`], { NIX_PATH: `nixpkgs=${nixpkgs}` });
  if (status === 0) return JSON.parse(stdout) as string[];
  assert.match(stderr, /error: /, 'the process ended without a message');
  return systems.length === 1 ? [null] : systems.flatMap((system) => drvPaths(side, [system]));
}

/** Whose closures are compared byte by byte. */
const closures = [
  { title: 'closure of the minimal installer', module: 'cd-dvd/installation-cd-minimal.nix', attribute: 'isoImage' },
  { title: 'closure of a desktop installer', module: 'cd-dvd/installation-cd-graphical-gnome.nix', attribute: 'isoImage' },
  { title: 'closure of the network boot', module: 'netboot/netboot-minimal.nix', attribute: 'kexecTree' },
];

/** Systems that one process evaluates: a whole installer alone, of the smaller ones four. */
function groupsOf(systems: readonly System[]): System[][] {
  const groups: System[][] = [];
  for (const system of systems) {
    const last = groups.at(-1);
    const isSmall = /^images\.|^sdImage$/.test(system.attribute);
    if (isSmall && last?.[0]?.attribute.slice(0, 6) === system.attribute.slice(0, 6) && last.length < 4) {
      last.push(system);
    } else groups.push([system]);
  }
  return groups;
}

/** What must evaluate on both sides; of the others both may refuse. */
const sound = /minimal|the host|sd-image-aarch64\.nix|images\.(?:iso|qemu|kexec)$/;

describe('systems of nixpkgs', withTreeAndNix, () => {
  const systems = withTree.skip === false
    ? [...ownHosts(), ...installationMedia(), ...networkBoot(), ...cards(), ...diskImages()]
    : [];
  for (const group of groupsOf(systems.filter(({ title }) => title.includes(only)))) {
    test(`${group.map(({ title }) => title).join(', ')}: the same derivations`, () => {
      const theirs = drvPaths(oracle, group);
      assert.deepEqual(drvPaths(own, group), theirs);
      group.forEach(({ title }, i) => {
        if (sound.test(title)) assert.ok(theirs[i] !== null, `C++ Nix refuses ${title}`);
      });
    });
  }

  for (const { title, module, attribute } of closures) {
    test(`${title}: every derivation of the closure has the same bytes`, { skip: !title.includes(only) }, () => {
      const scratch = scratchFolder();
      const args = (name: string): string[] => [
        '--store', join(scratch, name), '-A', `config.system.build.${attribute}`,
        '-I', `nixos-config=${join(installers, module)}`, join(nixpkgs, 'nixos/default.nix'),
      ];
      const theirs = oracle(args('theirs'));
      assert.equal(theirs.status, 0, theirs.stderr);
      const ours = own(args('ours'));
      assert.equal(ours.status, 0, ours.stderr);
      assert.equal(ours.stdout, theirs.stdout);
      const count = compareDerivations(join(scratch, 'theirs'), join(scratch, 'ours'));
      assert.ok(count > 1000, `only ${count} derivations`);
      deleteTree(scratch);
    });
  }
});
