/**
 * Ends what would outlive us when we are killed: the process groups of builders.
 *
 * bwrap dies with its parent, and what it runs with bwrap, but only from when each of them has told
 * the kernel so; one whose parent dies before waits or runs for ever. So one shell for all builds
 * knows their groups. It reads them from a pipe, and when that closes it kills those that are left.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

const script = `groups=' '
while read -r sign number; do
  case $sign in
    +) groups="$groups$number " ;;
    -) case $groups in *" $number "*) groups="\${groups%%" $number "*} \${groups#*" $number "}" ;; esac ;;
  esac
done
for number in $groups; do kill -KILL "-$number"; done`;

let keeper: Socket | undefined;

/** Ends the group if we end before what is returned is called. */
export function keepGroup(group: number): () => void {
  const pipe = keeper ??= startKeeper();
  pipe.write(`+ ${group}\n`);
  return () => { pipe.write(`- ${group}\n`); };
}

function startKeeper(): Socket {
  // In a session of its own, so that what ends us from a terminal does not end it too.
  const child = spawn('/bin/sh', ['-c', script], { cwd: '/', env: {}, detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const pipe = child.stdin as Socket;
  // Builds go on without one; nor does it keep us from ending.
  for (const emitter of [child, pipe]) emitter.on('error', () => {});
  child.unref();
  pipe.unref();
  return pipe;
}
