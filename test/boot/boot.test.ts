/**
 * The minimal installer boots, from every medium and firmware it is made for, into a system that is
 * up without a failed unit, has its network, its tools and its shell, and goes down in order.
 *
 * One machine runs at a time. Booting is the same program each time from the kernel on, so the full
 * list of checks is made where media differ most, and the others check what differs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import {
  fatDiskWith, installerFirstStage, minimalIso, minimalNetboot, missingRoom, withVolumeLabel,
} from './images.ts';
import type { Firmware, MachineOptions } from './machine.ts';
import { Machine, missingProgram, missingTool } from './machine.ts';
import { withoutKernelMessages } from './serial-console.ts';
import { checkRunningSystem, checkShutdown } from './running-system.ts';

/** From the boot menu to the shell; the menu's letter chooses the entry with a serial console. */
async function bootFromMenu(machine: Machine): Promise<void> {
  const { console } = machine;
  await console.waitFor(/serial console/, { seconds: 120, what: 'the boot menu' });
  // isolinux moves to an entry by its letter, GRUB starts it at once.
  console.type('s');
  await new Promise((resolve) => setTimeout(resolve, 700));
  console.type('\r');
  await console.waitFor(/stage-1: found the medium/, { seconds: 180 });
  await console.waitFor(/ login: /, { seconds: 400, what: 'a login prompt' });
  await console.reachRootShell({ seconds: 180 });
}

function bootTest(
  name: string,
  firmware: Firmware,
  options: () => Omit<MachineOptions, 'firmware'>,
  use: (machine: Machine) => Promise<void>,
): void {
  const missing = missingTool(firmware) ?? missingRoom();
  test(name, { skip: missing ?? false, timeout: 900_000 }, () =>
    Machine.with({ firmware, ...options() }, use),
  );
}

bootTest('BIOS, CD', 'bios', () => ({ cd: minimalIso() }), async (machine) => {
  await bootFromMenu(machine);
  const medium = await machine.console.run('findmnt -n -o SOURCE,FSTYPE /iso');
  assert.match(medium.output, /^\/dev\/sr0\s+iso9660$/);
  await checkRunningSystem(machine);
  await checkShutdown(machine);
});

bootTest('BIOS, USB disk', 'bios', () => ({ usb: minimalIso() }), async (machine) => {
  await bootFromMenu(machine);
  const medium = await machine.console.run('findmnt -n -o SOURCE /iso; ls -d /sys/firmware/efi 2>&1');
  assert.match(medium.output, /^\/dev\/sd[a-z]\d?\nls: cannot access/);
  await checkRunningSystem(machine);
  await checkShutdown(machine);
});

bootTest(
  'UEFI with Secure Boot, CD',
  'secure-boot',
  () => ({ cd: minimalIso(), networkCard: 'virtio-net-pci' }),
  async (machine) => {
    await bootFromMenu(machine);
    const facts = await machine.console.run(
      "dmesg | grep -c 'Secure boot enabled'; findmnt -n -o SOURCE /iso",
    );
    assert.match(facts.output, /^[1-9]\d*\n\/dev\/sr0$/);
    await checkRunningSystem(machine);
    await checkShutdown(machine);
  },
);

bootTest('UEFI, USB disk', 'uefi', () => ({ usb: minimalIso() }), async (machine) => {
  await bootFromMenu(machine);
  const facts = await machine.console.run('ls -d /sys/firmware/efi; findmnt -n -o SOURCE /iso');
  assert.match(facts.output, /^\/sys\/firmware\/efi\n\/dev\/sd[a-z]\d?$/);
  await checkRunningSystem(machine);
  await checkShutdown(machine);
});

bootTest(
  'a medium with another volume label',
  'bios',
  () => ({ cd: withVolumeLabel(minimalIso(), 'SOMETHING_ELSE') }),
  async (machine) => {
    await bootFromMenu(machine);
    const up = await machine.console.run('systemctl is-system-running --wait; lsblk -n -o LABEL /dev/sr0', {
      seconds: 300,
    });
    assert.equal(up.output, 'running\nSOMETHING_ELSE');
  },
);

bootTest(
  'network boot: kernel and initrd alone',
  'bios',
  () => {
    const folder = minimalNetboot();
    const script = readFileSync(join(folder, 'netboot.ipxe'), 'utf8');
    const parameters = /^kernel \S+ initrd=initrd (.*) \$\{cmdline\}$/m.exec(script)![1]!;
    return {
      memoryMegabytes: 2048,
      networkCard: 'virtio-net-pci',
      kernel: {
        file: join(folder, 'bzImage'),
        initrd: join(folder, 'initrd'),
        parameters: `${parameters} console=ttyS0,115200n8`,
      },
    };
  },
  async (machine) => {
    await machine.console.waitFor(/stage-1: starting/, { seconds: 180 });
    await machine.console.waitFor(/ login: /, { seconds: 400, what: 'a login prompt' });
    await machine.console.reachRootShell({ seconds: 180 });
    await checkRunningSystem(machine);
    await checkShutdown(machine);
  },
);

/** Starts the installer's kernel and initrd alone; `parameters` are added to those of its menu. */
function firstStage(parameters: string, media: Omit<MachineOptions, 'firmware'>): MachineOptions {
  const { kernel, initrd, init } = installerFirstStage();
  return {
    firmware: 'bios',
    memoryMegabytes: 2048,
    ...media,
    kernel: {
      file: kernel,
      initrd,
      parameters: `console=ttyS0,115200n8 init=${init} boot.shell_on_fail ${parameters}`,
    },
  };
}

const noMachine = missingTool('bios') ?? missingRoom() ?? false;
const firstStageTimeout = { skip: noMachine, timeout: 400_000 };

test('copytoram: the medium is not needed any more', firstStageTimeout, () =>
  Machine.with(
    firstStage('copytoram boot.debug1mounts', { cd: minimalIso() }),
    async ({ console }) => {
      await console.waitFor(/the medium may be removed now/, { seconds: 240 });
      await console.reachRootShell({ seconds: 60 });
      const mounts = await console.run(
        "awk '$2 == \"/mnt-root/iso\" { print $3 }' /proc/mounts; grep -c sr0 /proc/mounts; " +
          'test -x "/mnt-root$(sed \'s/.*init=\\([^ ]*\\).*/\\1/\' /proc/cmdline)"',
      );
      assert.deepEqual(mounts, { status: 0, output: 'tmpfs\n0' });
    },
  ),
);

test(
  'findiso: the medium is a file on a disk',
  { ...firstStageTimeout, skip: noMachine || missingProgram('mkfs.vfat', 'mcopy') },
  () =>
    Machine.with(
      firstStage('findiso=/images/firn.iso boot.debug1mounts', {
        usb: fatDiskWith(minimalIso(), 'firn.iso'),
      }),
      async ({ console }) => {
        await console.waitFor(/found the medium of .*: \/findiso\/images\/firn\.iso/, { seconds: 120 });
        await console.reachRootShell({ seconds: 60 });
        const mounts = await console.run(
          "awk '$2 ~ \"^/mnt-root/(iso|findiso)$\" { print $2, $3 }' /proc/mounts | sort",
        );
        assert.equal(mounts.output, '/mnt-root/findiso vfat\n/mnt-root/iso iso9660');
      },
    ),
);

test('no medium: the message says what was looked for, and a shell is offered', firstStageTimeout, () =>
  Machine.with(firstStage('boot.medium_timeout=3', {}), async ({ console }) => {
    const seen = await console.waitFor(/cannot go on booting\.[^]*Your choice: /, { seconds: 120 });
    const message = withoutKernelMessages(seen[0]);
    assert.match(message, /Looked for 3 seconds/);
    assert.match(message, /\/nix\/store\/\S+-nixos-system-/);
    console.type('s\r');
    await console.reachRootShell({ seconds: 60 });
    const { output } = await console.run('readlink /proc/self/exe');
    assert.equal(output, '/bin/busybox');
  }),
);
