/**
 * `builtin:systemd-units`: the folder /etc/systemd/system (or …/user) of a system.
 *
 * Whether a declared unit is a unit of its own or a change to one that a package brings can only be
 * told here, where the packages' files are known.
 *
 * Attributes: `kind` ("system" or "user"); `tree`, the system's file tree, whose units lie in
 * usr/lib/systemd/KIND; `packages`, other trees whose units are linked; `units`, each with `name`,
 * `text`, `enable`, `dropIn`, `standsAlone`, `aliases`, `wantedBy`, `requiredBy`, `upheldBy`;
 * `links`, alias to unit; `install`, names of units whose [Install] section is followed;
 * `suppress`, names of units that are masked.
 */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuiltinBuilder, BuiltinJob } from '../builtin-builder.ts';
import { unitNotInstallable } from '../errors.ts';
import { Attributes } from '../io/attributes.ts';
import { addNode, newPlan, writePlan, type PlannedDirectory } from '../io/tree-plan.ts';
import { parseInstallSection, type InstallSection } from '../io/unit-file.ts';

/** Folders of links by which a unit is started along with another, by attribute. */
const dependencyFolders = [
  ['wantedBy', 'wants'],
  ['requiredBy', 'requires'],
  ['upheldBy', 'upholds'],
] as const;

export const systemdUnitsBuilder: BuiltinBuilder = {
  name: 'builtin:systemd-units',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:systemd-units');
    const folder = new UnitFolder(job, attributes);
    folder.linkPackageUnits();
    for (const unit of attributes.list('units')) folder.declare(unit);
    for (const name of attributes.strings('install')) folder.install(name);
    for (const name of attributes.strings('suppress')) folder.link(name, '/dev/null');
    for (const [alias, name] of Object.entries(job.structuredAttrs['links'] ?? {})) {
      folder.link(alias, folder.placeOf(String(name)));
    }
    writePlan(job.outputs.get('out') as string, folder.plan);
  },
};

class UnitFolder {
  readonly plan: PlannedDirectory = newPlan();
  readonly #job: BuiltinJob;
  /** Units of packages outside of the tree: name to store path. */
  readonly #ofPackages = new Map<string, string>();
  readonly #packages: readonly string[];
  readonly #treeUnits: string | undefined;
  readonly #treePath: string;
  readonly #declared: ReadonlySet<string>;

  constructor(job: BuiltinJob, attributes: Attributes) {
    this.#job = job;
    const kind = attributes.string('kind');
    const tree = attributes.string('tree', undefined);
    this.#treePath = `/usr/lib/systemd/${kind}`;
    this.#treeUnits =
      tree === undefined ? undefined : join(job.inputs.physicalPath(tree), 'usr/lib/systemd', kind);
    this.#packages = attributes
      .strings('packages')
      .flatMap((path) => ['etc', 'lib', 'usr/lib'].map((part) => `${path}/${part}/systemd/${kind}`));
    this.#declared = new Set(
      attributes.list('units').filter(isWhole).map((unit) => unit.string('name')),
    );
  }

  /** Links every file below the unit folders of packages that are not part of the tree. */
  linkPackageUnits(): void {
    for (const folder of this.#packages) {
      const physical = this.#job.inputs.physicalPath(folder);
      if (!existsSync(physical)) continue;
      for (const path of filesBelow(physical)) {
        if (!path.includes('/')) this.#ofPackages.set(path, `${folder}/${path}`);
        addNode(this.plan, path.split('/'), linkNode(`${folder}/${path}`, folder), (_, present) => present);
      }
    }
  }

  declare(unit: Attributes): void {
    const name = unit.string('name');
    const text = unit.string('text');
    if (!unit.boolean('enable', true)) {
      this.link(name, '/dev/null');
      return;
    }
    const present = this.#ofPackages.has(name) || this.#standsInTree(name);
    // A package outside of the tree is listed on purpose: its unit is changed, never replaced.
    const replaces = unit.boolean('standsAlone', false) && !this.#ofPackages.has(name);
    if (unit.boolean('dropIn', false) || ((present || this.#hasTemplate(name)) && !replaces)) {
      if (saysSomething(text)) this.#file(`${name}.d/overrides.conf`, text);
    } else {
      this.plan.children.delete(name);
      this.#file(name, text);
      if (name.endsWith('.service') && !/^(Exec[A-Za-z]+|SuccessAction)=/m.test(text)) {
        this.#job.log(`${name} says no command and no package in the system has a unit of that name`);
      }
    }
    for (const alias of unit.strings('aliases')) this.link(alias, this.placeOf(name));
    for (const [attribute, folder] of dependencyFolders) {
      for (const other of unit.strings(attribute)) this.#want(`${other}.${folder}`, name, name);
    }
  }

  /** Makes the links that a package's unit asks for, as `systemctl enable` would. */
  install(name: string, asked: Set<string> = new Set()): void {
    if (asked.has(name)) return;
    asked.add(name);
    const section = this.#installSection(name);
    if (section === undefined) throw unitNotInstallable(name, 'no package of the system has it');
    const links = dependencyFolders.flatMap(([attribute, folder]) =>
      section[attribute].map((other) => `${other}.${folder}`));
    if (links.length + section.aliases.length + section.also.length === 0) {
      throw unitNotInstallable(name, 'its file has no [Install] section');
    }
    const instance = instanceOf(name, section.defaultInstance);
    for (const folder of links) this.#want(folder, instance, name);
    for (const alias of section.aliases) this.link(alias, this.placeOf(name));
    for (const also of section.also) this.install(also, asked);
  }

  link(path: string, target: string): void {
    addNode(this.plan, path.split('/'), linkNode(target, 'systemd.units'), (_, __, added) => added);
  }

  /** What a link to the unit names: its file in the tree, or beside the link. */
  placeOf(name: string): string {
    if (this.plan.children.has(name)) return name;
    const template = templateOf(name);
    for (const file of template === undefined ? [name] : [name, template]) {
      if (this.#standsInTree(file)) return `${this.#treePath}/${file}`;
    }
    return name;
  }

  #want(folder: string, name: string, file: string): void {
    const place = this.placeOf(file);
    this.link(`${folder}/${name}`, place.startsWith('/') ? place : `../${place}`);
  }

  #file(path: string, text: string): void {
    const node = { type: 'text', text, executable: false, origin: 'systemd.units' } as const;
    addNode(this.plan, path.split('/'), node, (_, __, added) => added);
  }

  #standsInTree(name: string): boolean {
    return this.#treeUnits !== undefined && isThere(join(this.#treeUnits, name));
  }

  // getty@tty1.service takes its content from getty@.service.
  #hasTemplate(name: string): boolean {
    const template = templateOf(name);
    return (
      template !== undefined &&
      (this.#ofPackages.has(template) || this.#standsInTree(template) || this.#declared.has(template))
    );
  }

  #installSection(name: string): InstallSection | undefined {
    for (const candidate of [name, templateOf(name)]) {
      if (candidate === undefined) continue;
      const packaged = this.#ofPackages.get(candidate);
      if (packaged !== undefined) {
        return parseInstallSection(readFileSync(this.#job.inputs.physicalPath(packaged), 'latin1'));
      }
      if (this.#standsInTree(candidate)) {
        return parseInstallSection(readFileSync(join(this.#treeUnits as string, candidate), 'latin1'));
      }
    }
    return undefined;
  }
}

/** A unit's file of our own, on which instances can build. */
function isWhole(unit: Attributes): boolean {
  return unit.boolean('enable', true) && unit.boolean('standsAlone', false);
}

/** More than the empty heads that every unit's text begins with. */
function saysSomething(text: string): boolean {
  return text.split('\n').some((line) => line.includes('='));
}

function templateOf(name: string): string | undefined {
  const parts = /^([^@]+@).+(\.[a-z]+)$/.exec(name);
  return parts === null ? undefined : `${parts[1]}${parts[2]}`;
}

function instanceOf(name: string, defaultInstance: string | undefined): string {
  return defaultInstance === undefined ? name : name.replace(/@\./, `@${defaultInstance}.`);
}

function linkNode(target: string, origin: string): { type: 'link'; target: string; origin: string } {
  return { type: 'link', target, origin };
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Paths of all files and links below a folder, sorted. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesBelow(join(folder, entry.name)).map((path) => `${entry.name}/${path}`)
        : [entry.name])
    .sort();
}
