/**
 * The pack: most of Firn's modules linked into one script (`make-pack.ts`), for as long as every one
 * of their files is what it was when they were linked. Plain JavaScript, since it runs before
 * anything could be stripped of its types.
 *
 * `states.json` beside the pack names the files with their states; what a state is and when it
 * counts says `file-state.ts` of the host. A file that cannot be asked, a state that differs or
 * another Node mean that there is no pack, and Firn runs from its modules.
 */

const { hash } = require('node:crypto');
const { lstatSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire, registerHooks } = require('node:module');
const { dirname, join } = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

const sources = dirname(__dirname);
const sourcesUrl = `${pathToFileURL(sources).href}/`;
/** In the installation: made anew with it, and of use where no home can be written. */
const folder = join(dirname(sources), 'node_modules', '.firn-pack');
const statesFile = join(folder, 'states.json');

/** Modules of the pack in use by name: [evaluate, exports]. */
let modules;
let file;
/** The script and where its compiled form is to be kept, if it is not there. */
let unkept;
let isWanted = false;
/** Whether modules outside the pack were loaded beside it. */
let hasOthers = false;

/** The pack's file if it is what the sources say; else undefined, and one is wanted. */
function findPack() {
  if (process.env.FIRN_PACK === 'off') return undefined;
  const found = packOfSources();
  isWanted = found === undefined;
  return found;
}

function packOfSources() {
  let known;
  try {
    known = JSON.parse(readFileSync(statesFile, 'utf8'));
  } catch {
    return undefined;
  }
  if (known.node !== nodeInUse()) return undefined;
  for (const [name, state] of known.files) if (stateOf(`${sources}/${name}`) !== state) return undefined;
  return join(folder, known.pack);
}

/**
 * Takes modules from this pack in this thread from now on; says whether that is possible. `role`
 * names the kind of thread: what V8 has compiled by its end is kept for the next of its kind.
 */
function usePack(path, role) {
  if (path === undefined) return false;
  try {
    const codeFile = `${path}.${role}`;
    const cachedData = keptCode(codeFile);
    const script = new Script(readFileSync(path, 'latin1'), { filename: path, cachedData });
    modules = script.runInThisContext()(createRequire(path), sourcesUrl, importFrom, requireFrom);
    file = path;
    if (cachedData === undefined || script.cachedDataRejected === true) unkept = { script, codeFile };
    return true;
  } catch {
    // A damaged one is made anew.
    isWanted = true;
    return false;
  }
}

/** Keeps what V8 compiled of the pack, unless it is kept already: when most of it has been called. */
function keepCode() {
  if (unkept === undefined) return;
  const { script, codeFile } = unkept;
  unkept = undefined;
  try {
    const temporary = `${codeFile}.${process.pid}`;
    const code = script.createCachedData();
    writeFileSync(temporary, Buffer.concat([hash('sha256', code, 'buffer'), code]));
    renameSync(temporary, codeFile);
  } catch {
    // Where it cannot be kept, it is compiled again.
  }
}

/** What V8 compiled, behind its hash: V8 believes what it is given, and ends with it. */
function keptCode(path) {
  try {
    const whole = readFileSync(path);
    const code = whole.subarray(hashBytes);
    return hash('sha256', code, 'buffer').equals(whole.subarray(0, hashBytes)) ? code : undefined;
  } catch {
    return undefined;
  }
}

const hashBytes = 32;

/** What a module of the pack exports, evaluated now if it was not; undefined for another. */
function exportsOf(name) {
  const found = modules?.[name];
  if (found === undefined) return undefined;
  found[0]();
  return found[1]();
}

function nodeInUse() {
  return `${process.version} ${process.arch}`;
}

/** The state of a file in words, undefined if there is none. */
function stateOf(path) {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const { dev, ino, mode, size, mtimeMs, ctimeMs } = status;
  return `${dev} ${ino} ${mode} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** `import(specifier)` in a module of the pack. */
async function importFrom(name, specifier) {
  const url = urlOf(name, specifier);
  const known = exportsOf(nameOf(url));
  if (known !== undefined) return known;
  if (url.endsWith('.ts')) givePackToOthers();
  return import(url);
}

/** `createRequire(import.meta.url)` in a module of the pack. */
function requireFrom(name) {
  return (specifier) => {
    const url = urlOf(name, specifier);
    const known = exportsOf(nameOf(url));
    if (known !== undefined) return known;
    if (url.endsWith('.ts')) givePackToOthers();
    return require(url.startsWith(sourcesUrl) ? fileURLToPath(url) : url);
  };
}

/** Modules outside the pack get from it what is in it: one of each in a thread. */
function givePackToOthers() {
  if (hasOthers) return;
  hasOthers = true;
  require('../resolve-modules.cjs');
  registerHooks({ load: loadFromPack });
}

function loadFromPack(url, context, next) {
  const name = nameOf(url);
  if (modules[name] === undefined) return next(url, context);
  const names = Object.keys(exportsOf(name));
  const source = `import { createRequire } from 'node:module';
const { exportsOf } = createRequire(import.meta.url)(${JSON.stringify(__filename)});
export const { ${names.join(', ')} } = exportsOf(${JSON.stringify(name)});`;
  return { format: 'module', source, shortCircuit: true };
}

function urlOf(name, specifier) {
  if (specifier.startsWith('#')) return `${sourcesUrl}${specifier.slice(1)}/index.ts`;
  return specifier.startsWith('.') ? new URL(specifier, sourcesUrl + name).href : specifier;
}

/** A module's name by its URL; what is no source of ours is none of the pack's names. */
function nameOf(url) {
  return url.startsWith(sourcesUrl) ? url.slice(sourcesUrl.length) : url;
}

module.exports = {
  findPack, usePack, keepCode, exportsOf, nameOf, nodeInUse, stateOf, folder, statesFile, sources,
  /** The file of the pack in use in this thread. */
  packInUse: () => file,
  hasOthers: () => hasOthers,
  /** Whether one was looked for in this thread and none was found. */
  isPackWanted: () => isWanted,
};
