/** The filter of system calls: its program run on calls by hand, and by a real program in the sandbox. */

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hashOf } from '#base';
import { outputPlaceholder } from '#formats';
import { syscallFilter } from '../../src/build/sandbox/syscall-filter.ts';
import type { NetworkMode } from '../../src/build/sandbox/outside-network.ts';
import { freshSandbox, needsNetwork, needsSandbox } from './builds.ts';

const x64 = 0xc000003e;
const i386 = 0x40000003;
const arm64 = 0xc00000b7;

/** What the program says of a call: `allow`, or the number of the error. */
function verdict(program: Uint8Array, architecture: number, call: number, ...args: number[]): 'allow' | number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call, true);
  data.setUint32(4, architecture, true);
  args.forEach((value, index) => data.setUint32(16 + 8 * index, value, true));
  let loaded = 0;
  for (let at = 0; ; at++) {
    const [code, yes, no, operand] = [view.getUint16(at * 8, true), view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3), view.getUint32(at * 8 + 4, true)];
    if (code === 0x20) loaded = data.getUint32(operand, true);
    else if (code === 0x05) at += operand;
    else if (code === 0x15) at += loaded === operand ? yes : no;
    else if (code === 0x45) at += (loaded & operand) !== 0 ? yes : no;
    else {
      assert.equal(code, 0x06, `instruction ${at} is none that a filter may have`);
      return operand === 0x7fff0000 ? 'allow' : operand & 0xffff;
    }
  }
}

test('calls are let through or refused, by mode of the processor', () => {
  const closed = syscallFilter('x64', { sharesNetwork: false });
  const open = syscallFilter('x64', { sharesNetwork: true });
  const cases: [Uint8Array, number, number, number[], 'allow' | number][] = [
    [closed, x64, 90, [0, 0o755], 'allow'], [closed, x64, 90, [0, 0o4755], 1], [closed, x64, 90, [0, 0o2755], 1], [closed, x64, 90, [0, 0o1777], 'allow'],
    [closed, x64, 91, [0, 0o4000], 1], [closed, x64, 268, [0, 0, 0o2000], 1], [closed, x64, 452, [0, 0, 0o4000], 1], [closed, x64, 0, [0, 0o4000], 'allow'],
    [closed, x64, 257, [0, 0, 0o101, 0o4755], 1], [closed, x64, 257, [0, 0, 0, 0o4755], 'allow'], [closed, x64, 257, [0, 0, 0o101, 0o644], 'allow'],
    [closed, x64, 2, [0, 0o100, 0o2755], 1], [closed, x64, 85, [0, 0o4755], 1], [closed, x64, 133, [0, 0o104755], 1], [closed, x64, 259, [0, 0, 0o102755], 1],
    [closed, x64, 188, [], 95], [closed, x64, 196, [], 95], [closed, x64, 197, [], 'allow'], [closed, x64, 463, [], 95],
    [closed, x64, 425, [], 38], [closed, x64, 437, [], 38], [closed, x64, 250, [], 38], [closed, x64, 0x4000005a, [0, 0o755], 38],
    [closed, x64, 41, [1], 'allow'], [closed, x64, 41, [2], 'allow'], [closed, x64, 41, [40], 97], [closed, x64, 41, [31], 97], [closed, i386, 359, [40], 97], [open, x64, 41, [1], 97], [open, x64, 41, [2], 'allow'], [open, x64, 41, [10], 'allow'], [open, x64, 41, [16], 'allow'], [open, x64, 41, [40], 97],
    [open, x64, 53, [1], 'allow'], [closed, i386, 15, [0, 0o4755], 1], [closed, i386, 226, [], 95], [open, i386, 102, [1], 38], [closed, i386, 102, [1], 'allow'], [open, i386, 359, [1], 97],
    [closed, arm64, 1, [], 38],
  ];
  for (const [program, mode, call, args, wanted] of cases) {
    assert.equal(verdict(program, mode, call, ...args), wanted, `mode ${mode.toString(16)} call ${call} (${args.join(', ')})`);
  }
  const arm = syscallFilter('arm64', { sharesNetwork: true });
  assert.deepEqual([[52, 0, 0o4755], [52, 0, 0o755], [5], [198, 1], [198, 2], [56, 0, 0, 0o100, 0o2755]].map(([call, ...args]) => verdict(arm, arm64, call as number, ...args)), [1, 'allow', 95, 97, 'allow', 1]);
  assert.throws(() => syscallFilter('mips', { sharesNetwork: false }), /no filter of system calls for the processor mips/);
});

/** Node itself as a builder, with the libraries that it needs. */
const visible = ['/lib', '/lib64', '/usr/lib', process.execPath].filter((path) => existsSync(path));

test('a builder reaches no abstract socket of others, with network or without', needsSandbox, async () => {
  const name = `firn-test-${process.pid}`;
  const server = createServer((socket) => socket.end('reached'));
  await new Promise<void>((resolve) => server.listen(`\0${name}`, resolve));
  const builds = freshSandbox();
  try {
    // From here it can be reached: what follows is the sandbox's doing.
    const reached = await new Promise<string>((resolve, reject) => {
      connect(`\0${name}`).once('error', reject).once('data', (bytes) => resolve(String(bytes)));
    });
    assert.equal(reached, 'reached');
    const program = `
      const socket = require('net').connect('\\0${name}');
      const say = (text) => { require('fs').writeFileSync(process.env.out, text); process.exit(); };
      socket.on('connect', () => say('reached')).on('error', (error) => say(error.code));`;
    const build = async (wanted: string, network?: NetworkMode): Promise<void> => {
      const made = builds.add(`socket-${network}`, {
        script: `cd /build; echo "$program" > p.cjs; ${process.execPath} p.cjs`, env: { program },
        ...(network !== undefined ? { fixed: { method: 'flat', hash: hashOf('sha256', wanted) } } : {}),
      });
      const visiblePaths = visible.map((path) => ({ target: path, source: path }));
      const places = await builds.build(made, { visiblePaths, ...(network === undefined ? {} : { network }) });
      assert.equal(readFileSync(places.get('out') as string, 'utf8'), wanted);
    };
    await build('ECONNREFUSED');
    await build('EAFNOSUPPORT', 'host');
    if (needsNetwork.skip === false) await build('ECONNREFUSED', 'isolated');
  } finally {
    server.close();
    builds.close();
  }
});

test('a file cannot be made with a set-id bit', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const program = `
      const fs = require('fs');
      const codes = [0o755, 0o4755, 0o2755].map((mode) => {
        try { fs.closeSync(fs.openSync('/build/f' + mode, 'w', mode)); return 'made'; } catch (error) { return error.code; }
      });
      fs.writeFileSync('${outputPlaceholder('out')}', codes.join(' '));`;
    const made = builds.add('modes', { script: `cd /build; echo "$program" > p.cjs; ${process.execPath} p.cjs`, env: { program } });
    const places = await builds.build(made, { visiblePaths: visible.map((path) => ({ target: path, source: path })) });
    assert.equal(readFileSync(places.get('out') as string, 'utf8'), 'made EPERM EPERM');
  } finally {
    builds.close();
  }
});
