/**
 * A virtual machine under QEMU, with its serial line as the only way in.
 *
 * Hardware acceleration is used only if it was seen to boot: where machines are nested it may be
 * offered and then crash in the first instructions. QEMU itself can crash in early boot too, and its
 * emulated processors can trip a kernel: before it has come to our first program, or by a fault of its
 * own code later. The machine is started again then, and only then: one that hangs or fails otherwise,
 * or each time, is a failed test.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialConsole } from './serial-console.ts';

export type Firmware = 'bios' | 'uefi' | 'secure-boot';

export interface MachineOptions {
  readonly firmware: Firmware;
  /** An image in a CD drive. */
  readonly cd?: string;
  /** An image as a USB disk; what the machine writes to it is thrown away. */
  readonly usb?: string;
  /** A kernel that QEMU itself starts. */
  readonly kernel?: { readonly file: string; readonly initrd: string; readonly parameters: string };
  readonly memoryMegabytes?: number;
  readonly networkCard?: 'e1000' | 'virtio-net-pci';
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const qemu = 'qemu-system-x86_64';

/** Why no machine can be started here, or null if one can. */
export function missingTool(firmware: Firmware): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64';
  if (spawnSync(qemu, ['--version']).error !== undefined) return `${qemu} is not installed`;
  if (firmware !== 'bios' && !existsSync(firmwareFiles(firmware).code)) {
    return 'OVMF is not installed';
  }
  return null;
}

/** Which of some programs is not installed, as a reason to skip a test; false if all are. */
export function missingProgram(...programs: readonly string[]): string | false {
  const missing = programs.find((program) => spawnSync(program, ['--help']).error !== undefined);
  return missing === undefined ? false : `${missing} is not installed`;
}

export class Machine {
  readonly console: SerialConsole;
  /** Port of this host's loopback that leads to the machine's port 22. */
  readonly sshPort: number;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #errors: string[] = [];

  private constructor(command: readonly string[], sshPort: number) {
    this.sshPort = sshPort;
    this.#process = spawn(qemu, command, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.console = new SerialConsole(this.#process.stdout!, this.#process.stdin!);
    this.#process.stderr!.setEncoding('utf8');
    this.#process.stderr!.on('data', (text: string) => this.#errors.push(text));
    this.exited = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  /** What QEMU itself complained of. */
  get errors(): string {
    return this.#errors.join('');
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exited;
  }

  /**
   * Starts a machine and lets `use` work with it; it is gone when this returns. If QEMU dies by a
   * signal, or the kernel breaks, all of it is done once more, at most twice.
   */
  static async with<T>(options: MachineOptions, use: (machine: Machine) => Promise<T>): Promise<T> {
    const folder = mkdtempSync(join(tmpdir(), 'firn-boot-'));
    try {
      for (let attempt = 1; ; attempt += 1) {
        const sshPort = await freePort();
        const machine = new Machine(await commandLine(options, folder, sshPort), sshPort);
        let ended: Exit | undefined;
        void machine.exited.then((exit) => (ended = exit));
        try {
          return await use(machine);
        } catch (error) {
          const cause =
            ended?.signal != null
              ? `QEMU died by ${ended.signal}`
              : kernelBroke(machine.console.transcript);
          if (cause === null || attempt === 3) throw withErrors(error, machine.errors);
          console.error(`${cause}: starting the machine again`);
        } finally {
          await machine.stop();
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** The first bytes that a server sends to whoever connects. */
export function greetingOf(port: number, seconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    const late = new Error(`no greeting in ${seconds} s`);
    const timer = setTimeout(() => socket.destroy(late), seconds * 1000);
    socket.setEncoding('latin1');
    socket.once('data', (text: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('close', () => reject(new Error('the connection was closed without a greeting')));
  });
}

async function commandLine(options: MachineOptions, folder: string, sshPort: number): Promise<string[]> {
  const card = options.networkCard ?? 'e1000';
  const accelerator = (await chooseAccelerator(options)) === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', 'max,la57=off'];
  return [
    ...accelerator,
    '-machine', options.firmware === 'secure-boot' ? 'q35,smm=on' : 'q35',
    '-smp', '2',
    '-m', String(options.memoryMegabytes ?? 1536),
    '-nodefaults', '-display', 'none', '-vga', 'std',
    '-serial', 'stdio', '-monitor', 'none', '-no-reboot',
    '-device', 'virtio-rng-pci',
    '-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${sshPort}-:22`,
    '-device', `${card},netdev=net,romfile=`,
    ...firmwareArguments(options.firmware, folder),
    ...mediaArguments(options),
  ];
}

function mediaArguments(options: MachineOptions): string[] {
  const result: string[] = [];
  if (options.cd !== undefined) {
    result.push(
      '-drive', `if=none,id=cd,media=cdrom,format=raw,readonly=on,file=${options.cd}`,
      '-device', 'ide-cd,drive=cd,bootindex=1',
    );
  }
  if (options.usb !== undefined) {
    result.push(
      '-drive', `if=none,id=stick,format=raw,snapshot=on,file=${options.usb}`,
      '-device', 'qemu-xhci',
      '-device', 'usb-storage,drive=stick,bootindex=1,removable=on',
    );
  }
  if (options.kernel !== undefined) {
    const { file, initrd, parameters } = options.kernel;
    result.push('-kernel', file, '-initrd', initrd, '-append', parameters);
  }
  return result;
}

function firmwareFiles(firmware: Firmware): { code: string; variables: string } {
  return firmware === 'secure-boot'
    ? { code: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd' }
    : { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' };
}

function firmwareArguments(firmware: Firmware, folder: string): string[] {
  if (firmware === 'bios') return [];
  const { code, variables } = firmwareFiles(firmware);
  const own = join(folder, 'variables.fd');
  copyFileSync(variables, own);
  return [
    ...(firmware === 'secure-boot' ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    '-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${code}`,
    '-drive', `if=pflash,format=raw,unit=1,file=${own}`,
  ];
}

/**
 * What the kernel complained of first, if our first program never spoke; after that only a fault in the
 * kernel's own code counts, which no program of ours can bring about.
 */
function kernelBroke(transcript: string): string | null {
  const complaint = /stage-1: /.test(transcript)
    ? /^\[ *\d+\.\d{6}\] (?:BUG: (?:unable to handle|kernel)|Oops: |general protection fault|int3: |invalid opcode: ).*$/m
    : /^\[ *\d+\.\d{6}\] .*(?:BUG|Oops|WARNING|INFO|panic|fault|lockup|stall|Call Trace).*$/m;
  const found = complaint.exec(transcript);
  return found === null ? null : `the kernel broke (${found[0]})`;
}

let accelerator: Promise<'kvm' | 'tcg'> | undefined;

/** KVM if a machine really starts under it: the boot loader of the same medium has to speak up. */
function chooseAccelerator(options: MachineOptions): Promise<'kvm' | 'tcg'> {
  accelerator ??= probeKvm(options);
  return accelerator;
}

async function probeKvm(options: MachineOptions): Promise<'kvm' | 'tcg'> {
  if (!existsSync('/dev/kvm') || options.kernel === undefined) return 'tcg';
  const probe = spawn(qemu, [
    '-accel', 'kvm', '-cpu', 'host', '-machine', 'q35', '-m', '1024', '-nodefaults',
    '-display', 'none', '-serial', 'stdio', '-no-reboot',
    '-kernel', options.kernel.file, '-append', 'console=ttyS0 panic=-1',
  ], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => {
    probe.on('exit', () => resolve());
    probe.on('error', () => resolve());
  });
  let seen = '';
  probe.stdout.setEncoding('latin1');
  const booted = new Promise<boolean>((resolve) => {
    probe.stdout.on('data', (text: string) => {
      seen += text;
      // Without an initrd the kernel gets this far and no further.
      if (/Unable to mount root fs|No working init/.test(seen)) resolve(true);
    });
    void ended.then(() => resolve(false));
    setTimeout(() => resolve(false), 30_000).unref();
  });
  const works = await booted;
  probe.kill('SIGKILL');
  await ended;
  return works ? 'kvm' : 'tcg';
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no free port')),
      );
    });
  });
}

function withErrors(error: unknown, qemuErrors: string): unknown {
  if (error instanceof Error && qemuErrors.trim() !== '') error.message += `\nQEMU says: ${qemuErrors}`;
  return error;
}
