/**
 * The tree gives C++ Nix and Firn the same derivations: the same path for each image and package,
 * and every `.drv` of the closure the same bytes.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { firn, folderWith, root } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';

const folder = folderWith({
  'host.nix': `{ lib, pkgs, ... }:
{
  imports = [ ${root}/distro/nixos/modules/installer/cd-dvd/installation-cd-minimal.nix ];
  networking.hostName = "both";
  environment.systemPackages = [ pkgs.htop pkgs."g++" ];
  fileSystems."/data" = { device = "/dev/sdb1"; fsType = "ext4"; };
  fileSystems."/" = lib.mkForce { device = "none"; fsType = "tmpfs"; };
  users.users.ada = { isNormalUser = true; extraGroups = [ "wheel" ]; };
  systemd.services.said = { wantedBy = [ "multi-user.target" ]; script = "echo said"; };
}
`,
});
const modules = join(root, 'distro/nixos/modules/installer');
const nixos = join(root, 'distro/nixos/default.nix');

interface Case {
  readonly name: string;
  readonly file: string;
  readonly attribute: string;
  readonly configuration?: string;
}

const image = (name: string, configuration: string, attribute = 'isoImage'): Case => ({
  name, file: nixos, attribute: `config.system.build.${attribute}`, configuration,
});

const cases: readonly Case[] = [
  image('the minimal installer', join(modules, 'cd-dvd/installation-cd-minimal.nix')),
  image('the installer with the newer kernel', join(modules, 'cd-dvd/installation-cd-minimal-new-kernel.nix')),
  image('a host in the installer', join(folder, 'host.nix')),
  image('network boot', join(modules, 'netboot/netboot-minimal.nix'), 'netbootRamdisk'),
  { name: 'a package', file: join(root, 'distro'), attribute: 'curl' },
];

describe('derivations of the tree', needs('nix-instantiate'), () => {
  let channel = '';
  before(() => {
    const found = firn(['nix-instantiate', '--find-file', 'debian'], { cwd: folder });
    assert.equal(found.status, 0, found.stderr);
    channel = found.stdout.trim();
  });

  for (const { name, file, attribute, configuration } of cases) {
    test(`${name}: every derivation is the same`, () => {
      const common = [
        file, '-A', attribute, '-I', `debian=${channel}`,
        ...(configuration === undefined ? [] : ['-I', `nixos-config=${configuration}`]),
      ];
      const slug = name.replace(/\W+/g, '-');
      const theirs = join(folder, slug, 'theirs');
      const ours = join(folder, slug, 'ours');
      const oracle = spawnSync('nix-instantiate', ['--store', theirs, ...common], { encoding: 'utf8' });
      assert.equal(oracle.status, 0, oracle.stderr);
      const own = firn(['nix-instantiate', '--store', ours, ...common]);
      assert.equal(own.status, 0, own.stderr);
      assert.equal(own.stdout, oracle.stdout);

      const wanted = derivationsIn(theirs);
      assert.ok(wanted.length > 1, 'C++ Nix wrote no derivations');
      assert.deepEqual(derivationsIn(ours), wanted);
      for (const drv of wanted) {
        const place = join('nix/store', drv);
        assert.ok(readFileSync(join(ours, place)).equals(readFileSync(join(theirs, place))), drv);
      }
    });
  }
});

function derivationsIn(storeRoot: string): string[] {
  return readdirSync(join(storeRoot, 'nix/store')).filter((name) => name.endsWith('.drv')).sort();
}
