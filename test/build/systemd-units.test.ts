/**
 * The folder of units that a system gets: which declarations become units, which become changes to
 * units of packages, and which links start them.
 */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { builtinBuilders } from '../../src/build/builtin/index.ts';
import type { BuiltinJob } from '../../src/build/builtin-builder.ts';
import { parseInstallSection } from '../../src/build/io/unit-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-units-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const treeFiles: Record<string, string> = {
  'ssh.service': '[Service]\nExecStart=/usr/sbin/sshd -D\n[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n',
  'getty@.service': '[Service]\nExecStart=/sbin/agetty %I\n[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n',
  'multi-user.target': '[Unit]\n',
  'a.socket': '[Socket]\nListenStream=/run/a\n[Install]\nWantedBy=sockets.target\n',
  'a.service': '[Service]\nExecStart=/usr/bin/a\n[Install]\nAlso=a.socket\n',
  'static.service': '[Service]\nExecStart=/usr/bin/static\n',
};

interface Declared {
  readonly name: string;
  readonly text?: string;
  readonly [key: string]: unknown;
}

let runs = 0;

/** Builds the folder; gives each path with the text of a file or `-> target` of a link. */
async function build(units: readonly Declared[], more: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const place = join(scratch, String(++runs));
  write(join(place, 'tree/usr/lib/systemd/system'), treeFiles);
  write(join(place, 'extra/lib/systemd/system'), { 'extra.service': '[Service]\nExecStart=/x\n' });
  const job = {
    structuredAttrs: {
      kind: 'system',
      tree: '/nix/store/tree',
      units: units.map((unit) => ({
        enable: true, dropIn: false, standsAlone: false, aliases: [], wantedBy: [], requiredBy: [], upheldBy: [], text: '', ...unit,
      })),
      ...more,
    },
    inputs: { physicalPath: (path: string) => join(place, path.replace('/nix/store/', '')) },
    outputs: new Map([['out', join(place, 'out')]]),
    log: () => {},
  } as unknown as BuiltinJob;
  await builtinBuilders.get('builtin:systemd-units')!.build(job);
  return contents(join(place, 'out'));
}

function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function contents(folder: string, below = ''): Record<string, string> {
  return Object.assign({}, ...readdirSync(folder).map((name) => {
    const path = join(folder, name);
    const status = lstatSync(path);
    if (status.isSymbolicLink()) return { [below + name]: `-> ${readlinkSync(path)}` };
    if (status.isDirectory()) return contents(path, `${below}${name}/`);
    return { [below + name]: readFileSync(path, 'utf8') };
  })) as Record<string, string>;
}

const service = '[Unit]\n\n[Service]\nExecStart=/bin/mine\n';
const nice = '[Unit]\n\n[Service]\nNice=5\n';

test('a unit that no package has becomes a file, wanted where it says', async () => {
  assert.deepEqual(
    await build([{ name: 'mine.service', text: service, standsAlone: true, wantedBy: ['multi-user.target'], aliases: ['other.service'] }]),
    { 'mine.service': service, 'other.service': '-> mine.service', 'multi-user.target.wants/mine.service': '-> ../mine.service' },
  );
});

test('a unit of the tree is changed by a drop-in, and its link leads to the package', async () => {
  assert.deepEqual(await build([{ name: 'ssh.service', text: nice, wantedBy: ['multi-user.target'] }]), {
    'ssh.service.d/overrides.conf': nice,
    'multi-user.target.wants/ssh.service': '-> /usr/lib/systemd/system/ssh.service',
  });
});

test('a declaration that only enables a unit makes no drop-in', async () => {
  assert.deepEqual(await build([{ name: 'ssh.service', text: '[Unit]\n', requiredBy: ['a.service'] }]), {
    'a.service.requires/ssh.service': '-> /usr/lib/systemd/system/ssh.service',
  });
});

test('a service with a command of its own takes the place of the package’s, unless a drop-in is asked for', async () => {
  assert.deepEqual(await build([{ name: 'ssh.service', text: service, standsAlone: true }]), { 'ssh.service': service });
  assert.deepEqual(await build([{ name: 'ssh.service', text: service, standsAlone: true, dropIn: true }]), {
    'ssh.service.d/overrides.conf': service,
  });
});

test('an instance of a template is changed by a drop-in', async () => {
  assert.deepEqual(await build([{ name: 'getty@tty3.service', text: nice, wantedBy: ['getty.target'] }]), {
    'getty@tty3.service.d/overrides.conf': nice,
    'getty.target.wants/getty@tty3.service': '-> /usr/lib/systemd/system/getty@.service',
  });
});

test('a unit that is not enabled is masked', async () => {
  assert.deepEqual(
    await build([{ name: 'ssh.service', text: nice, enable: false, wantedBy: ['multi-user.target'] }], { suppress: ['static.service'] }),
    { 'ssh.service': '-> /dev/null', 'static.service': '-> /dev/null' },
  );
});

test('units of other packages are linked, and changed rather than replaced', async () => {
  assert.deepEqual(
    await build([{ name: 'extra.service', text: service, standsAlone: true }], { packages: ['/nix/store/extra'] }),
    {
      'extra.service': '-> /nix/store/extra/lib/systemd/system/extra.service',
      'extra.service.d/overrides.conf': service,
    },
  );
});

test('links name units of the tree by their place there', async () => {
  assert.deepEqual(await build([], { links: { 'default.target': 'multi-user.target', 'x.target': 'y.target' } }), {
    'default.target': '-> /usr/lib/systemd/system/multi-user.target',
    'x.target': '-> y.target',
  });
});

test('installing follows the [Install] section, Also and DefaultInstance included', async () => {
  assert.deepEqual(await build([], { install: ['ssh.service', 'getty@.service', 'a.service'] }), {
    'multi-user.target.wants/ssh.service': '-> /usr/lib/systemd/system/ssh.service',
    'sshd.service': '-> /usr/lib/systemd/system/ssh.service',
    'getty.target.wants/getty@tty1.service': '-> /usr/lib/systemd/system/getty@.service',
    'sockets.target.wants/a.socket': '-> /usr/lib/systemd/system/a.socket',
  });
});

test('a unit that cannot be installed is an error that says why', async () => {
  await assert.rejects(build([], { install: ['static.service'] }), {
    code: 'UNIT_NOT_INSTALLABLE', message: /static\.service cannot be enabled: its file has no \[Install\] section/,
  });
  await assert.rejects(build([], { install: ['absent.service'] }), {
    code: 'UNIT_NOT_INSTALLABLE', message: /absent\.service cannot be enabled: no package of the system has it/,
  });
});

test('an [Install] section is read as systemd reads it', () => {
  const text = '# c\n[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=a.target b.target\nWantedBy=c.target\nAlias=x.service\nAlias=\nRequiredBy=d.target \\\n  e.target\n';
  assert.deepEqual(parseInstallSection(text), {
    wantedBy: ['a.target', 'b.target', 'c.target'], requiredBy: ['d.target', 'e.target'], upheldBy: [], aliases: [], also: [], defaultInstance: undefined,
  });
});
