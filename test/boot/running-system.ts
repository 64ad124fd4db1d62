/**
 * What has to be true of a live system that has been booted, asked from inside it.
 *
 * Every answer is collected before anything is judged: one look at a failed run shows all that is
 * wrong with it.
 */
import assert from 'node:assert/strict';
import type { Machine } from './machine.ts';
import { greetingOf } from './machine.ts';

interface Check {
  readonly what: string;
  readonly command: string;
  /** What the command has to print, or a judge of it. Its status has to be 0 in any case. */
  readonly expected?: string | RegExp;
  readonly seconds?: number;
}

const state: readonly Check[] = [
  {
    what: 'the system is up, with no unit failed',
    command: 'systemctl is-system-running --wait; systemctl --failed --no-legend --plain; true',
    expected: 'running',
    seconds: 300,
  },
  {
    what: 'multi-user.target is reached',
    command: 'systemctl is-active multi-user.target',
    expected: 'active',
  },
  {
    what: 'no program of the system has logged an error',
    command:
      'journalctl -b -p err -q --no-pager -o short ' +
      '_TRANSPORT=journal _TRANSPORT=stdout _TRANSPORT=syslog; true',
    expected: '',
    seconds: 120,
  },
  {
    what: 'the boot stages have logged no error',
    command: "dmesg -l emerg,alert,crit,err,warn | grep -E 'stage-[12]'; true",
    expected: '',
  },
];

const fileSystems: readonly Check[] = [
  {
    what: 'the store is read-only',
    command: 'findmnt -n -o OPTIONS --direction backward --first-only /nix/store | cut -d, -f1',
    expected: 'ro',
  },
  {
    what: '/usr is the tree of the running system',
    command: 'test /usr/bin/env -ef /run/current-system/sw/usr/bin/env && findmnt -n -o OPTIONS /usr',
    expected: /^ro,/,
  },
  {
    what: 'no file system of a host is mounted',
    command: "findmnt -n -l -o FSTYPE --real | sort -u | tr '\\n' ' '",
    expected: /^(iso9660 )?squashfs$/,
  },
];

const network: readonly Check[] = [
  {
    what: 'an address came by DHCP',
    command:
      'for i in $(seq 30); do ip -4 -o addr show scope global | grep -q 10.0.2 && break; ' +
      'sleep 1; done; ip -4 -o addr show scope global',
    expected: /10\.0\.2\.15\/24/,
    seconds: 90,
  },
  {
    what: 'there is a route',
    command: 'ip route show default',
    expected: /default via 10\.0\.2\.2/,
  },
  {
    what: 'DNS is configured',
    command: 'cat /etc/resolv.conf',
    expected: /^nameserver (127\.0\.0\.53|10\.0\.2\.3)/m,
  },
  {
    what: 'the name server is known',
    command: 'resolvectl dns 2>/dev/null || cat /etc/resolv.conf',
    expected: /10\.0\.2\.3/,
  },
];

const tools: readonly Check[] = [
  { what: 'lsblk runs', command: 'lsblk --version && lsblk -n -o NAME', expected: /util-linux/ },
  {
    what: 'parted makes a partition',
    command:
      'truncate -s 64M /tmp/disk && parted -s /tmp/disk mklabel gpt mkpart data 1MiB 60MiB && ' +
      'parted -s /tmp/disk print',
    expected: /1\s+1049kB\s+62\.9MB/,
  },
  {
    what: 'mkfs.ext4 formats, and the result mounts',
    command:
      'truncate -s 32M /tmp/fs && mkfs.ext4 -q /tmp/fs && mkdir -p /mnt/test && ' +
      'mount -o loop /tmp/fs /mnt/test && findmnt -n -o FSTYPE /mnt/test && umount /mnt/test',
    expected: 'ext4',
  },
  { what: 'nano runs', command: 'nano --version', expected: /GNU nano/ },
  { what: 'curl runs', command: 'curl --version', expected: /^curl \d/ },
  { what: 'ip runs', command: 'ip -V', expected: /iproute2/ },
  {
    what: 'an ordinary user becomes root by sudo',
    command: 'sudo -u nobody true && runuser -u nixos -- sudo -n id -u',
    expected: '0',
  },
];

/** Checks everything in a machine whose root shell has been reached. */
export async function checkRunningSystem(machine: Machine): Promise<void> {
  const wrong: string[] = [];
  for (const check of [...state, ...fileSystems, ...network, ...tools]) {
    const { status, output } = await machine.console.run(check.command, {
      seconds: check.seconds ?? 60,
    });
    const text = output.trim();
    const { expected } = check;
    const fits = expected === undefined
      || (typeof expected === 'string' ? text === expected : expected.test(text));
    if (status !== 0 || !fits) {
      const found = `${text}\n(status ${status}, expected ${expected})`;
      wrong.push(`not true: ${check.what}\n$ ${check.command}\n${found}`);
    }
  }
  const greeting = await greetingOf(machine.sshPort, 30).catch((error: unknown) => String(error));
  if (!greeting.startsWith('SSH-2.0-OpenSSH')) {
    wrong.push(`not true: sshd answers\n${greeting}`);
  }
  assert.deepEqual(wrong, [], wrong.join('\n\n'));
}

/** Powers the machine off and checks that it goes down in order and by itself. */
export async function checkShutdown(machine: Machine): Promise<void> {
  const from = machine.console.position;
  machine.console.type('systemctl poweroff\r');
  await machine.console.waitFor(/Power down|Powering off/, { seconds: 150, from });
  const late = setTimeout(() => void machine.stop(), 30_000);
  const exit = await machine.exited;
  clearTimeout(late);
  assert.deepEqual(exit, { code: 0, signal: null }, 'the machine did not switch itself off');
  const complaints = machine.console.transcript
    .split('\n')
    .filter((line) => /\[FAILED\]|Failed (unmounting|to unmount)|Unmounting timed out/.test(line));
  assert.deepEqual(complaints, []);
}
