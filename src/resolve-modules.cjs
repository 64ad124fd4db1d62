/**
 * Finds Firn's own modules without asking the file system: `./x.ts` beside the module that wants
 * it, and `#layer` as that layer's index. Node's general way (packages, conditions, real paths) took
 * half of the time in which some two hundred small modules are loaded. Everything else goes Node's
 * way.
 *
 * Loaded by the launcher with `--require`, so that threads have it too; plain JavaScript, since it
 * comes before the cache of stripped modules. Without it all works the same, slower.
 */

const { registerHooks } = require('node:module');
const { pathToFileURL } = require('node:url');

const source = pathToFileURL(__dirname).href;
const ours = `${source}/`;
const plainPath = /^\.\.?\/[\w./-]+\.ts$/;
const layerName = /^#[a-z]+$/;

registerHooks?.({
  resolve(specifier, context, next) {
    const { parentURL } = context;
    if (parentURL === undefined || !parentURL.startsWith(ours)) return next(specifier, context);
    if (layerName.test(specifier)) return found(`${ours}${specifier.slice(1)}/index.ts`);
    if (!plainPath.test(specifier)) return next(specifier, context);
    return found(beside(parentURL, specifier));
  },
});

function found(url) {
  return { url, format: 'module-typescript', shortCircuit: true };
}

/** The URL of a relative path as a module writes it. */
function beside(parent, path) {
  let folder = parent.slice(0, parent.lastIndexOf('/'));
  let rest = path.startsWith('./') ? path.slice(2) : path;
  while (rest.startsWith('../')) {
    rest = rest.slice(3);
    folder = folder.slice(0, folder.lastIndexOf('/'));
  }
  return `${folder}/${rest}`;
}
