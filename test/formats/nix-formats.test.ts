/** Store paths, derivations, narinfo and signatures: round trips and refusals. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, parseHash } from '#base';
import {
  fingerprintOf, formatContentAddress, formatNarInfo, generateSigningKey, hashModulo, makeContentAddressedPath, makeTextPath, moduloFinder,
  maybeStorePath, noReferences, outputPlaceholder, parseContentAddress, parseDerivation, parseNarInfo, parsePublicKey,
  parseSecretKey, parseStorePath, printDerivation, signPath, splitStorePath, verifySignature, type NarInfo, type StorePath,
} from '#formats';

const hashPart = '0123456789abcdfghijklmnpqrsvwxyz';

test('store paths are taken apart', () => {
  const path = parseStorePath(`/nix/store/${hashPart}-name`);
  assert.deepEqual(splitStorePath(`${path}/bin/x`), { storePath: path, rest: '/bin/x' });
  assert.equal(splitStorePath('/nix/store'), undefined);
  assert.equal(maybeStorePath('/nix/store/short'), undefined);
});

test('what is no store path is refused with a reason', () => {
  const check = (base: string, reason: RegExp) => assert.throws(() => parseStorePath(`/nix/store/${base}`), { code: 'BAD_STORE_PATH', message: reason });
  check('short', /too short/);
  check(`${'e'.repeat(32)}-x`, /illegal base-32 character 'e'/);
  check(`${hashPart}xname`, /not followed by a '-'/);
  check(`${hashPart}-`, /name must not be empty|too short/);
  check(`${hashPart}-na me`, /illegal character ' '/);
  check(`${hashPart}-..`, /not valid/);
  check(`${hashPart}-${'n'.repeat(212)}`, /no longer than 211/);
  assert.throws(() => parseStorePath('/etc/passwd'), /is not in the Nix store/);
});

test('paths of contents', () => {
  // From the manual's and C++ Nix's own examples: an empty text, and a fixed output.
  assert.equal(outputPlaceholder('out'), '/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9');
  const text = makeTextPath('x', '', []);
  assert.equal(maybeStorePath(text), text);
  const flat = makeContentAddressedPath('f', { method: 'flat', hash: hashOf('sha256', '') }, noReferences);
  const recursive = makeContentAddressedPath('f', { method: 'recursive', hash: hashOf('sha256', '') }, noReferences);
  assert.notEqual(flat, recursive);
  assert.throws(() => makeContentAddressedPath('f', { method: 'flat', hash: hashOf('sha256', '') }, { others: [text], self: false }),
    /not allowed to refer to other store paths/);
});

test('content addresses are read back', () => {
  for (const method of ['flat', 'recursive', 'text', 'git'] as const) {
    const address = { method, hash: hashOf('sha256', method) };
    assert.deepEqual(parseContentAddress(formatContentAddress(address)), address);
  }
  assert.throws(() => parseContentAddress('other:sha256:x'), { code: 'BAD_CONTENT_ADDRESS' });
});

const drv = 'Derive([("dev","/nix/store/0123456789abcdfghijklmnpqrsvwxyz-d-dev","",""),("out","/nix/store/1123456789abcdfghijklmnpqrsvwxyz-d","","")],'
  + '[("/nix/store/2123456789abcdfghijklmnpqrsvwxyz-i.drv",["dev","out"])],["/nix/store/3123456789abcdfghijklmnpqrsvwxyz-s"],'
  + '"x86_64-linux","/bin/sh",["-c","a\\nb\\t\\"\\\\"],[("name","d"),("\xc3\xa9","")])';

test('a derivation is read and printed without a change', () => {
  const derivation = parseDerivation(drv, 'd');
  assert.equal(printDerivation(derivation), drv);
  assert.deepEqual(derivation.args, ['-c', 'a\nb\t"\\']);
});

test('a derivation cut or damaged anywhere is refused or printed as it was read', () => {
  for (let length = 0; length < drv.length; length++) {
    assert.throws(() => parseDerivation(drv.slice(0, length), 'd'), { code: 'BAD_DERIVATION' });
  }
  assert.throws(() => parseDerivation(`${drv}x`, 'd'), { code: 'BAD_DERIVATION' });
  assert.throws(() => parseDerivation(drv.replace('/nix/store/3', '/etc/3'), 'd'), { code: 'BAD_DERIVATION' });
});

test('a fixed output hides how it is fetched', () => {
  const fixed = (url: string) => parseDerivation(
    `Derive([("out","/nix/store/${hashPart}-f","sha256","${'0'.repeat(64)}")],[],[],"x","b",[],[("url","${url}")])`, 'f');
  const none = () => assert.fail('it has no inputs');
  assert.deepEqual(hashModulo(fixed('a'), none), hashModulo(fixed('b'), none));
});

test('inputs that are shared over and over are read once each', () => {
  const levels = 40;
  const drvPath = (level: number) => `/nix/store/${hashPart}-level-${level}-n.drv` as StorePath;
  const twin = (level: number) => `/nix/store/${hashPart}-level-${level}-t.drv` as StorePath;
  let reads = 0;
  const find = moduloFinder((path) => {
    reads += 1;
    const [, level = '', kind = ''] = /-level-(\d+)-(.)/.exec(path) as string[];
    const below = Number(level) + 1;
    const inputs = below < levels ? [drvPath(below), twin(below)].sort() : [];
    const text = inputs.map((input) => `("${input}",["out"])`).join(',');
    return parseDerivation(
      `Derive([("out","/nix/store/${hashPart}-${kind}${level}","","")],[${text}],[],"x","b",[],[])`, 'd');
  });
  assert.equal(find(drvPath(0)).kind, 'regular');
  assert.equal(reads, 2 * levels - 1);
});

const info: NarInfo = {
  path: `/nix/store/${hashPart}-x` as StorePath, url: 'nar/x.nar.xz', compression: 'xz',
  fileHash: hashOf('sha256', 'f'), fileSizeBytes: 10, narHash: hashOf('sha256', 'n'), narSizeBytes: 120,
  references: [`/nix/store/${hashPart}-x` as StorePath], deriver: `/nix/store/${hashPart}-x.drv` as StorePath,
  signatures: ['a:b'], contentAddress: { method: 'text', hash: hashOf('sha256', 't') },
};

test('narinfo files are read back, and refused when damaged', () => {
  const text = formatNarInfo(info);
  assert.deepEqual(parseNarInfo(text, 'x'), info);
  const check = (damaged: string, reason: RegExp) => assert.throws(() => parseNarInfo(damaged, 'x'), { code: 'BAD_NAR_INFO', message: reason });
  check(text.replace(/NarHash.*\n/, ''), /'NarHash' is missing/);
  check(`${text}NarSize: 1\n`, /stands twice/);
  check(text.replace('NarSize: 120', 'NarSize: -1'), /not a size/);
  check(text.replace(`StorePath: ${info.path}`, 'StorePath: /etc/passwd'), /not in the Nix store/);
  check(text.replace(/References: /, 'References: ../../etc '), /too short|not in the Nix store/);
});

test('a signature is believed for its key and its path only', () => {
  const keys = generateSigningKey('test-1');
  const other = generateSigningKey('test-1');
  const signature = signPath(info, parseSecretKey(keys.secret));
  assert.equal(verifySignature(info, signature, [parsePublicKey(keys.public)]), true);
  assert.equal(verifySignature(info, signature, [parsePublicKey(other.public)]), false);
  assert.equal(verifySignature({ ...info, narSizeBytes: 121 }, signature, [parsePublicKey(keys.public)]), false);
  assert.equal(verifySignature(info, 'nonsense', [parsePublicKey(keys.public)]), false);
  assert.throws(() => parsePublicKey('test:AAAA'), { code: 'BAD_SIGNING_KEY' });
});

test('what is signed: path, NAR hash, size and references', () => {
  const plain = {
    path: info.path, narHash: parseHash(`sha256:${'0'.repeat(64)}`), narSizeBytes: 1, references: info.references, signatures: [],
  };
  assert.equal(fingerprintOf(plain), `1;${info.path};sha256:${'0'.repeat(52)};1;${info.path}`);
});
