/**
 * The activation script that brings /etc/passwd and its kin in line with the declared accounts.
 *
 * Each case is a sequence of declarations applied to one root folder, with what the files of /etc
 * must then have. The records are those that users-groups.nix writes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../../support/foreign.ts';

const script = join(
  dirname(fileURLToPath(import.meta.url)),
  '../../../distro/nixos/modules/config/update-users-groups.pl',
);

interface Account {
  readonly name: string;
  readonly [key: string]: string;
}
interface Declaration {
  readonly mutable?: boolean;
  readonly users: readonly Account[];
  readonly groups?: readonly Account[];
}
interface Case {
  readonly name: string;
  /** Files of /etc that are there before. */
  readonly before?: Readonly<Record<string, string>>;
  readonly declarations: readonly Declaration[];
  /** Lines that the files must have, exactly. */
  readonly has?: Readonly<Record<string, readonly string[]>>;
  /** Patterns that a line of the file must match. */
  readonly matches?: Readonly<Record<string, RegExp>>;
  /** Names that must not be in the files. */
  readonly lacks?: Readonly<Record<string, readonly string[]>>;
}

const root: Account = { name: 'root', uid: '0', group: 'root', home: '/root', shell: '/bin/bash', system: '1' };
const alice: Account = { name: 'alice', group: 'users', home: '/home/alice', shell: '/bin/bash', system: '0' };
const groups: readonly Account[] = [
  { name: 'root', gid: '0' },
  { name: 'users', gid: '100' },
  { name: 'shadow', gid: '42' },
];

const cases: readonly Case[] = [
  {
    name: 'a fresh system',
    declarations: [{ users: [root, { ...alice, createHome: '1' }] }],
    has: {
      passwd: ['alice:x:1000:100::/home/alice:/bin/bash', 'root:x:0:0::/root:/bin/bash'],
      shadow: ['alice:!:1::::::', 'root:!:1::::::'],
      group: ['root:x:0:', 'users:x:100:', 'shadow:x:42:'],
      gshadow: ['root:!::', 'users:!::'],
    },
  },
  {
    name: 'an empty password hash opens the account',
    declarations: [{ users: [{ ...root, initialHashedPassword: '' }] }],
    has: { shadow: ['root::1::::::'] },
  },
  {
    name: 'a clear password is hashed',
    declarations: [{ users: [{ ...root, initialPassword: 'secret' }] }],
    matches: { shadow: /^root:\$(y|6)\$[^:]+:1::::::$/m },
  },
  {
    name: 'a password that was changed stays with mutable users',
    before: { shadow: 'root:$y$own:19000::::::\n', passwd: 'root:x:0:0::/root:/bin/bash\n' },
    declarations: [{ users: [{ ...root, hashedPassword: '$y$declared' }] }],
    has: { shadow: ['root:$y$own:19000::::::'] },
  },
  {
    name: 'a password that was changed is set back without mutable users',
    before: { shadow: 'root:$y$own:19000::::::\n', passwd: 'root:x:0:0::/root:/bin/bash\n' },
    declarations: [{ mutable: false, users: [{ ...root, hashedPassword: '$y$declared' }] }],
    has: { shadow: ['root:$y$declared:19000::::::'] },
  },
  {
    name: 'accounts that somebody added stay with mutable users',
    before: { passwd: 'bob:x:1005:100::/home/bob:/bin/sh\n', shadow: 'bob:$y$b:19000:0:99999:7:::\n' },
    declarations: [{ users: [root] }],
    has: { passwd: ['bob:x:1005:100::/home/bob:/bin/sh'], shadow: ['bob:$y$b:19000:0:99999:7:::'] },
  },
  {
    name: 'accounts that somebody added go without mutable users, those of packages stay',
    before: { passwd: 'bob:x:1005:100::/home/bob:/bin/sh\nuuidd:x:983:983::/:/usr/sbin/nologin\n' },
    declarations: [{ mutable: false, users: [root] }],
    has: { passwd: ['uuidd:x:983:983::/:/usr/sbin/nologin'] },
    lacks: { passwd: ['bob'] },
  },
  {
    name: 'a number once given is kept, and given to nobody else',
    declarations: [
      { users: [root, alice] },
      { users: [root] },
      { users: [root, { ...alice, name: 'aaron' }, alice] },
    ],
    has: { passwd: ['alice:x:1000:100::/home/alice:/bin/bash', 'aaron:x:1001:100::/home/alice:/bin/bash'] },
  },
  {
    name: 'an account that is no longer declared goes',
    declarations: [{ users: [root, alice] }, { users: [root] }],
    lacks: { passwd: ['alice'], shadow: ['alice'] },
  },
  {
    name: 'system accounts are numbered downwards below the reserved ones',
    declarations: [{ users: [root, { ...alice, name: 'service', system: '1' }] }],
    has: { passwd: ['service:x:979:100::/home/alice:/bin/bash'] },
  },
  {
    name: 'members of groups',
    declarations: [{ users: [root, alice], groups: [...groups, { name: 'wheel', gid: '984', members: 'alice,root' }] }],
    has: { group: ['wheel:x:984:alice,root'], gshadow: ['wheel:!::alice,root'] },
  },
  {
    name: 'a member that somebody added stays',
    before: { group: 'wheel:x:984:bob\n', passwd: 'bob:x:1005:100::/:/bin/sh\n' },
    declarations: [{ users: [root, alice], groups: [...groups, { name: 'wheel', gid: '984', members: 'alice' }] }],
    has: { group: ['wheel:x:984:alice,bob'] },
  },
  {
    name: 'subordinate numbers',
    declarations: [{ users: [{ ...root, subUidRanges: '5:10,50:2' }, { ...alice, autoSub: '1' }, { ...alice, name: 'zoe', autoSub: '1' }] }],
    has: {
      subuid: ['root:5:10', 'root:50:2', 'alice:100000:65536', 'zoe:165536:65536'],
      subgid: ['alice:100000:65536', 'zoe:165536:65536'],
    },
  },
  {
    name: 'an expiry date in days since 1970',
    declarations: [{ users: [root, { ...alice, expires: '2024-02-29' }] }],
    has: { shadow: ['alice:!:1:::::19782:'] },
  },
  {
    name: 'escaped text',
    declarations: [{ users: [{ ...root, description: 'a%25b%09c' }] }],
    has: { passwd: ['root:x:0:0:a%b\tc:/root:/bin/bash'] },
  },
];

for (const { name, before, declarations, has, matches, lacks } of cases) {
  test(name, needs('perl'), () => {
    inFolder((folder) => {
      mkdirSync(join(folder, 'etc'));
      for (const [file, text] of Object.entries(before ?? {})) writeFileSync(join(folder, 'etc', file), text);
      for (const declaration of declarations) {
        const { status, stderr } = apply(folder, declaration);
        assert.equal(status, 0, stderr);
      }
      const read = (file: string): string => readFileSync(join(folder, 'etc', file), 'utf8');
      for (const [file, lines] of Object.entries(has ?? {})) {
        for (const line of lines) assert.ok(read(file).split('\n').includes(line), `${file} lacks ${line}:\n${read(file)}`);
      }
      for (const [file, pattern] of Object.entries(matches ?? {})) assert.match(read(file), pattern);
      for (const [file, names] of Object.entries(lacks ?? {})) {
        for (const gone of names) assert.doesNotMatch(read(file), new RegExp(`^${gone}:`, 'm'));
      }
    });
  });
}

test('homes are made once, with their mode, and secret files are not readable', needs('perl'), () => {
  inFolder((folder) => {
    mkdirSync(join(folder, 'etc/skel'), { recursive: true });
    writeFileSync(join(folder, 'etc/skel/.profile'), 'hello\n');
    const declaration = { users: [root, { ...alice, createHome: '1', homeMode: '750' }] };
    assert.equal(apply(folder, declaration).status, 0);
    const profile = join(folder, 'home/alice/.profile');
    assert.equal(readFileSync(profile, 'utf8'), 'hello\n');
    assert.equal(statSync(join(folder, 'home/alice')).mode & 0o7777, 0o750);
    assert.equal(statSync(join(folder, 'etc/shadow')).mode & 0o7777, 0o640);
    rmSync(profile);
    assert.equal(apply(folder, declaration).status, 0);
    assert.equal(existsSync(profile), false);
  });
});

test('a second run changes no file', needs('perl'), () => {
  inFolder((folder) => {
    const declaration = { users: [root, { ...alice, password: 'x' }] };
    assert.equal(apply(folder, declaration).status, 0);
    const numbers = (): number[] => ['passwd', 'shadow', 'group', 'gshadow'].map((file) => statSync(join(folder, 'etc', file)).ino);
    const first = numbers();
    assert.equal(apply(folder, declaration).status, 0);
    assert.deepEqual(numbers(), first);
  });
});

test('an unknown group is an error and leaves the files', needs('perl'), () => {
  inFolder((folder) => {
    assert.equal(apply(folder, { users: [root] }).status, 0);
    const was = readFileSync(join(folder, 'etc/passwd'), 'utf8');
    const { status, stderr } = apply(folder, { users: [root, { ...alice, group: 'nowhere' }] });
    assert.notEqual(status, 0);
    assert.match(stderr, /user 'alice' has the group 'nowhere', which nobody declares/);
    assert.equal(readFileSync(join(folder, 'etc/passwd'), 'utf8'), was);
  });
});

function apply(folder: string, declaration: Declaration): { status: number | null; stderr: string } {
  const userDefaults = {
    uid: '', description: '', homeMode: '700', createHome: '0', autoSub: '0', subUidRanges: '',
    subGidRanges: '', expires: '', hashedPasswordFile: '',
  };
  const record = (kind: string, fields: Readonly<Record<string, string>>): string =>
    [kind, ...Object.entries(fields).map(([key, value]) => `${key}=${value}`)].join('\t');
  const lines = [
    record('settings', { mutable: declaration.mutable === false ? '0' : '1' }),
    ...declaration.users.map((user) => record('user', { ...userDefaults, ...user })),
    ...(declaration.groups ?? groups).map((group) => record('group', { gid: '', members: '', system: '1', ...group })),
  ];
  const specification = join(folder, 'specification');
  writeFileSync(specification, `${lines.join('\n')}\n`);
  const { status, stderr } = spawnSync('perl', [script, specification, folder], { encoding: 'utf8' });
  return { status, stderr };
}

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'firn-accounts-'));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
