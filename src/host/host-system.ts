/** The system that this process runs on, in Nix's words. */
export function hostSystem(): string {
  const cpu = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', arm: 'armv7l', riscv64: 'riscv64' } as Record<string, string>;
  const kernel = process.platform === 'darwin' ? 'darwin' : 'linux';
  return `${cpu[process.arch] ?? process.arch}-${kernel}`;
}
