import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { byteString } from '#base';
import {
  ModuleIndex,
  makeModuleIndexes,
  normalizeAlias,
  readIndexTrie,
  readKernelModule,
} from '#images';
import {
  findKernelTree,
  listModules,
  readBuildFiles,
  readModules,
} from '../../src/build/io/kernel-tree.ts';
import { depmodBuilder } from '../../src/build/builtin/depmod.ts';
import { modulesClosureBuilder } from '../../src/build/builtin/modules-closure.ts';
import { needs } from '../support/foreign.ts';
import type { SampleModule } from './elf-sample.ts';
import { sampleModule } from './elf-sample.ts';
import { fakeJob } from './fake-job.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-modules-'));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const version = '6.12.0-test';

const modules: Record<string, SampleModule> = {
  'kernel/fs/ext4/ext4.ko': {
    info: [
      'license=GPL',
      'alias=fs-ext4',
      'alias=ext3',
      'softdep=pre: crc32c',
      'depends=jbd2,mbcache',
    ],
    imports: ['jbd2_start', 'mb_cache_get', 'printk'],
  },
  'kernel/fs/jbd2/jbd2.ko': { info: ['license=GPL'], exports: ['jbd2_start'], imports: ['crc16'] },
  'kernel/fs/mbcache.ko': { info: ['license=GPL'], exports: ['mb_cache_get', 'mb_cache_put'] },
  'kernel/lib/crc16.ko': { info: ['license=GPL'], exports: ['crc16'] },
  'kernel/crypto/crc32c_generic.ko': { info: ['alias=crypto-crc32c', 'alias=crc32c'] },
  'kernel/arch/x86/crypto/crc32c-intel.ko': {
    info: ['alias=crypto-crc32c', 'alias=crc32c', 'alias=cpu:type:x86,ven*fam*mod*:feature:*0094*'],
  },
  'kernel/drivers/usb/storage/usb-storage.ko': {
    info: [
      'alias=usb:v0419pAAF5d0100dc*dsc*dp*ic*isc*ip*in*',
      'alias=usb:v[a-f]*p0001-x',
      'firmware=storage/fw.bin',
      'weakdep=uas',
    ],
    imports: ['scsi_add'],
  },
  'kernel/drivers/usb/storage/uas.ko': { info: ['license=GPL'], imports: ['scsi_add', 'usb_stor'] },
  'kernel/drivers/scsi/scsi_mod.ko': {
    info: ['alias=devname:scsi/ctl', 'alias=char-major-21-5'],
    exports: ['scsi_add'],
  },
};

/** As a kernel's build lists them all: depmod leaves others in the order in which it meets them. */
const order = [
  'kernel/fs/ext4/ext4.ko',
  'kernel/lib/crc16.ko',
  'kernel/fs/mbcache.ko',
  'kernel/drivers/usb/storage/uas.ko',
  'kernel/arch/x86/crypto/crc32c-intel.ko',
  'kernel/crypto/crc32c_generic.ko',
  'kernel/drivers/scsi/scsi_mod.ko',
  'kernel/fs/jbd2/jbd2.ko',
  'kernel/drivers/usb/storage/usb-storage.ko',
];

/** A package's tree with the modules above. */
function layTree(): string {
  const root = mkdtempSync(join(scratch, 'tree-'));
  const base = join(root, 'lib/modules', version);
  for (const [path, module] of Object.entries(modules)) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), sampleModule(module));
  }
  writeFileSync(join(base, 'modules.order'), order.map((path) => `${path}\n`).join(''));
  writeFileSync(join(base, 'modules.builtin'), 'kernel/fs/proc/proc.ko\nkernel/lib/lib-sha.ko\n');
  writeFileSync(
    join(base, 'modules.builtin.modinfo'),
    'proc.alias=fs-proc\0proc.license=GPL\0lib_sha.alias=crypto-sha[1-2]-x\0',
  );
  return root;
}

async function indexes(root: string): Promise<Map<string, Uint8Array>> {
  const tree = findKernelTree(root);
  return makeModuleIndexes(await readModules(tree, listModules(tree), 2), readBuildFiles(tree));
}

/** Compares with what kmod's depmod makes of the same tree. */
async function checkAgainstDepmod(root: string): Promise<void> {
  const ours = await indexes(root);
  const tree = findKernelTree(root);
  execFileSync('depmod', ['-b', root, tree.version], { stdio: 'pipe' });
  const compared: string[] = [];
  for (const [name, bytes] of ours) {
    const path = join(tree.directory, name);
    // Older releases know no weak dependencies.
    if (!existsSync(path)) continue;
    compared.push(name);
    const theirs = readFileSync(path);
    if (name === 'modules.symbols') {
      const sorted = (text: string): string[] => text.split('\n').sort();
      assert.deepEqual(sorted(byteString(bytes)), sorted(theirs.toString('latin1')), name);
    } else {
      assert.ok(Buffer.compare(bytes, theirs) === 0, name);
    }
  }
  assert.ok(compared.length >= 10, compared.join(' '));
}

test('a module says its facts', () => {
  const facts = readKernelModule(sampleModule(modules['kernel/fs/jbd2/jbd2.ko']!), 'jbd2.ko');
  assert.deepEqual(facts, {
    info: [['license', 'GPL']],
    exports: ['jbd2_start'],
    imports: ['crc16'],
  });
});

test('what is no module is refused by name', () => {
  assert.throws(() => readKernelModule(new Uint8Array(100), 'x.ko'), /x\.ko.*no ELF object/);
});

test('depmod makes the same index files', needs('depmod'), async () => {
  await checkAgainstDepmod(layTree());
});

const kernelFolder = process.env['FIRN_TEST_KERNEL'];
test(
  'depmod makes the same index files of a whole kernel',
  {
    skip:
      kernelFolder === undefined
        ? 'FIRN_TEST_KERNEL names no unpacked kernel package'
        : needs('depmod').skip,
  },
  async () => {
    const root = mkdtempSync(join(scratch, 'kernel-'));
    const tree = findKernelTree(kernelFolder!);
    mkdirSync(join(root, 'lib/modules'), { recursive: true });
    cpSync(tree.directory, join(root, 'lib/modules', tree.version), { recursive: true });
    await checkAgainstDepmod(root);
  },
);

test('index files are read back', async () => {
  const files = await indexes(layTree());
  const aliases = readIndexTrie(files.get('modules.alias.bin')!);
  assert.deepEqual(
    aliases.get('crypto_crc32c')!.map(({ text }) => text),
    ['crc32c_intel', 'crc32c_generic'],
  );
  assert.deepEqual([...readIndexTrie(files.get('modules.builtin.bin')!).keys()].sort(), [
    'lib_sha',
    'proc',
  ]);
});

async function moduleIndex(): Promise<ModuleIndex> {
  const root = layTree();
  const files = await indexes(root);
  const build = readBuildFiles(findKernelTree(root));
  const text = (name: string): string => byteString(files.get(name)!);
  return new ModuleIndex({
    dependencies: text('modules.dep'),
    aliases: text('modules.alias'),
    softDependencies: text('modules.softdep'),
    weakDependencies: text('modules.weakdep'),
    builtin: build.builtin!,
    builtinInfo: build.builtinInfo!,
  });
}

const closures: [string[], string[]][] = [
  [['ext4'], ['crc32c_intel', 'crc32c_generic', 'crc16', 'jbd2', 'mbcache', 'ext4']],
  [
    ['ext3', 'ext4'],
    ['crc32c_intel', 'crc32c_generic', 'crc16', 'jbd2', 'mbcache', 'ext4'],
  ],
  [['usb-storage'], ['scsi_mod', 'usb_storage', 'uas']],
  [['proc', 'lib_sha', 'fs-proc'], []],
  [['crypto-crc32c'], ['crc32c_intel', 'crc32c_generic']],
  [['usb:v0419pAAF5d0100dc00dsc00dp00ic08isc06ip50in00'], ['scsi_mod', 'usb_storage', 'uas']],
];
for (const [roots, expected] of closures) {
  test(`closure of ${roots.join(', ')}`, async () => {
    const index = await moduleIndex();
    const closure = index.closureOf(roots);
    assert.deepEqual([...closure].sort(), [...expected].sort());
    for (const [user, used] of [
      ['ext4', 'jbd2'],
      ['jbd2', 'crc16'],
      ['ext4', 'crc32c_intel'],
      ['usb_storage', 'scsi_mod'],
    ]) {
      if (closure.includes(user!))
        assert.ok(closure.indexOf(used!) < closure.indexOf(user!), `${used} before ${user}`);
    }
  });
}

test('a root that does not exist is an error with near names, unless allowed', async () => {
  const index = await moduleIndex();
  assert.throws(
    () => index.closureOf(['crc32c_int']),
    (error: { code: string; hint: string }) => {
      return error.code === 'KERNEL_MODULE_MISSING' && error.hint.includes('crc32c_intel');
    },
  );
  assert.deepEqual(index.closureOf(['crc32c_int'], { allowMissing: true }), []);
});

test('modprobe finds its way in a closure', needs('modprobe'), async () => {
  const kernel = layTree();
  const firmware = join(scratch, 'firmware');
  mkdirSync(join(firmware, 'lib/firmware/storage'), { recursive: true });
  writeFileSync(join(firmware, 'lib/firmware/storage/fw.bin'), 'fw');
  const index = fakeJob({ attributes: { kernel } });
  await depmodBuilder.build(index.job);
  const closure = fakeJob({
    attributes: {
      kernel,
      index: index.out,
      rootModules: ['ext4', 'usb-storage'],
      firmware: [firmware],
    },
  });
  await modulesClosureBuilder.build(closure.job);
  const shown = execFileSync(
    'modprobe',
    ['-d', closure.out, '-S', version, '--show-depends', 'ext4'],
    { encoding: 'utf8' },
  );
  const names = shown
    .trim()
    .split('\n')
    .map((line) => /([^/]+)\.ko/.exec(line)![1]);
  assert.deepEqual(names.slice(-1), ['ext4']);
  assert.deepEqual([...names].sort(), [
    'crc16',
    'crc32c-intel',
    'crc32c_generic',
    'ext4',
    'jbd2',
    'mbcache',
  ]);
  assert.equal(readFileSync(join(closure.out, 'lib/firmware/storage/fw.bin'), 'utf8'), 'fw');
  const listed = readFileSync(join(closure.out, 'insmod-list'), 'utf8').trim().split('\n');
  assert.ok(listed.every((path) => existsSync(join(closure.out, path))));
});

test('a modules tree behind links is found', () => {
  const kernel = layTree();
  const package_ = join(scratch, 'linked');
  mkdirSync(join(package_, 'lib/modules'), { recursive: true });
  symlinkSync(join(kernel, 'lib/modules', version), join(package_, 'lib/modules', version));
  assert.equal(listModules(findKernelTree(package_)).length, Object.keys(modules).length);
  assert.throws(() => findKernelTree(join(scratch, 'nowhere')), { code: 'KERNEL_MODULES_MISSING' });
  assert.ok(readdirSync(package_).length > 0);
});

const aliases: [string, string | undefined][] = [
  ['snd-card-1', 'snd_card_1'],
  ['usb:v[a-f]p-x', 'usb:v[a-f]p_x'],
  ['bad[', undefined],
  ['bad]', undefined],
];
for (const [alias, expected] of aliases) {
  test(`alias ${alias}`, () => {
    assert.equal(normalizeAlias(alias), expected);
  });
}
