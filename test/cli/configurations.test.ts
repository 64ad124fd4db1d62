/**
 * What users write and what they get told: configurations that combine with the installer, and
 * configurations at fault. Each fault ends with status 1, names the user's file and line, shows it,
 * and says the remedy; nothing is left behind.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { firn, folderWith, root } from '../support/firn.ts';

const installer = join(root, 'distro/nixos/modules/installer/cd-dvd');
const folder = folderWith({
  'host.nix': '{ ... }: { networking.hostName = "combined"; boot.loader.timeout = 77; }\n',
  'menu.nix': '{ image.baseName = "menu"; isoImage.appendToMenuLabel = " of mine"; }\n',
  'extra.nix': '{ ... }: { image.baseName = "extra-name"; }\n',
  'flake/flake.nix': `{
    inputs.firn.url = "path:${root}/distro";
    outputs = { self, firn }: {
      nixosConfigurations.rescue = firn.lib.nixosSystem {
        modules = [ { image.baseName = "from-flake"; isoImage.appendToMenuLabel = " of mine"; } ];
      };
    };
  }\n`,
  'own/default.nix': `{ imports = [ ${installer}/installation-cd-base.nix ]; image.baseName = "own"; }\n`,
});

/** The derivation's name that `firn build --dry-run` prints. */
function derivationName(...args: string[]): string {
  const { status, stdout, stderr } = firn(['build', '--dry-run', ...args], { cwd: folder });
  assert.equal(status, 0, stderr);
  const match = /^\/nix\/store\/[a-z0-9]{32}-(.+)\.drv\n$/.exec(stdout);
  assert.ok(match, `not a derivation: ${stdout}`);
  return match[1] as string;
}

describe('configurations that combine', () => {
  test('a default configuration as it is', () => {
    assert.match(derivationName(), /^firn-minimal-.*-x86_64-linux\.iso$/);
  });
  test('a host configuration in the minimal installer', () => {
    assert.match(derivationName('./host.nix'), /^firn-minimal-.*\.iso$/);
  });
  test('a host that sets options of the installer, which it does not import', () => {
    assert.equal(derivationName('./menu.nix'), 'menu.iso');
  });
  test('several with a default configuration by name', () => {
    const name = derivationName('./host.nix', './extra.nix', '--config', 'installation-cd-minimal');
    assert.equal(name, 'extra-name.iso');
  });
  test('a host that imports an installer module is taken as it is', () => {
    assert.equal(derivationName('./own'), 'own.iso');
  });
  test('the default configuration with the newer kernel', () => {
    assert.match(derivationName('--config', 'installation-cd-minimal-new-kernel'), /\.iso$/);
  });
  test('a configuration in a flake, on this tree; the lock of the archive is beside it', () => {
    assert.equal(derivationName('./flake#rescue'), 'from-flake.iso');
    assert.ok(existsSync(join(folder, 'flake/firn.lock')));
  });
  test('the network boot image', () => {
    assert.equal(derivationName('--format', 'netboot'), 'netboot');
  });
});

interface Fault {
  readonly name: string;
  readonly text: string;
  readonly says: readonly RegExp[];
}

const faults: readonly Fault[] = [
  {
    name: 'a syntax error',
    text: '{ ... }:\n{\n  networking.hostName = "x"\n  time.timeZone = "UTC";\n}\n',
    says: [/unexpected '=', expecting ';'/, /fault\.nix:4:17/, /time\.timeZone = "UTC";/],
  },
  {
    name: 'an option of the wrong type',
    text: '{ ... }:\n{\n  boot.loader.timeout = "soon";\n}\n',
    says: [/boot\.loader\.timeout/, /is not of type/, /fault\.nix' \(line 3\)/, /boot\.loader\.timeout = "soon";/],
  },
  {
    name: 'an entry of the wrong type in a list',
    text: '{ ... }:\n{\n  networking.firewall.allowedTCPPorts = [ "ssh" ];\n}\n',
    says: [/networking\.firewall\.allowedTCPPorts/, /16 bit unsigned integer/, /fault\.nix/],
  },
  {
    name: 'an unknown option',
    text: '{ ... }:\n{\n  services.opensssh.enable = true;\n}\n',
    says: [/`services\.opensssh' does not exist/, /fault\.nix' \(line 3\)/, /Did you mean `services\.openssh'\?/],
  },
  {
    name: 'a conflict',
    text: '{ ... }:\n{\n  imports = [ { networking.hostName = "b"; } ];\n  networking.hostName = "a";\n}\n',
    says: [/conflicting definition values/, /\(line 3\): "b"/, /\(line 4\): "a"/, /priority 100/, /mkForce/],
  },
  {
    name: 'a missing package',
    text: '{ pkgs, ... }:\n{\n  environment.systemPackages = [ pkgs.htpo ];\n}\n',
    says: [/attribute 'htpo' missing/, /fault\.nix:3:34/, /Did you mean/],
  },
  {
    name: 'a failed assertion',
    text: '{ ... }:\n{\n  assertions = [ { assertion = false; message = "This never holds."; } ];\n}\n',
    says: [/Failed assertions/, /This never holds\./],
  },
];

describe('configurations at fault', () => {
  for (const { name, text, says } of faults) {
    test(name, () => {
      const place = folderWith({ 'fault.nix': text });
      const lock = join(folder, 'firn.lock');
      const { status, stdout, stderr } = firn(['build', './fault.nix', '--lock', lock], { cwd: place });
      assert.equal(status, 1, stderr);
      assert.equal(stdout, '');
      for (const pattern of says) assert.match(stderr, pattern);
      assert.ok(!existsSync(join(place, 'result')), 'a result was left behind');
    });
  }

  test('a file that is not there', () => {
    const { status, stderr } = firn(['build', './nothing.nix'], { cwd: folder });
    assert.equal(status, 1);
    assert.match(stderr, /There is no configuration file '.*nothing\.nix'\n {2}hint: /);
  });
  test('a default configuration that is not there', () => {
    const { status, stderr } = firn(['build', '--config', 'installation-cd-maximal'], { cwd: folder });
    assert.equal(status, 1);
    assert.match(stderr, /no default configuration 'installation-cd-maximal'\n.*installation-cd-minimal/);
  });
});
