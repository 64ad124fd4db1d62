/**
 * The attributes of a derivation that speak to whoever builds it, not to its builder.
 *
 * They stand in the environment as text, or as JSON in `__json` when the attributes are structured;
 * the names and meanings are those of C++ Nix, "Advanced attributes" of its manual. Under structured
 * attributes the limits on outputs are read from `outputChecks`, per output, and nowhere else.
 */
import type { Derivation } from '#formats';
import { malformedOption } from './errors.ts';
import { JsonNumber, parseExactJson, type ExactJson } from './exact-json.ts';

/** Limits on an output; each list holds store paths and names of outputs. */
export interface OutputChecks {
  readonly allowedReferences?: readonly string[];
  readonly allowedRequisites?: readonly string[];
  readonly disallowedReferences?: readonly string[];
  readonly disallowedRequisites?: readonly string[];
  readonly maxSizeBytes?: number;
  readonly maxClosureSizeBytes?: number;
  /** Whether the output may always require itself. */
  readonly ignoresItself: boolean;
}

export interface DerivationOptions {
  /** The attributes as they were given; undefined unless they are structured. */
  readonly structured: ReadonlyMap<string, ExactJson> | undefined;
  readonly passAsFile: ReadonlySet<string>;
  readonly impureVariables: readonly string[];
  readonly requiredFeatures: readonly string[];
  /** Whether sending it to another machine would cost more than building it. */
  readonly prefersLocalBuild: boolean;
  /** By file name (or attribute): paths whose closures the builder is told. */
  readonly exportReferencesGraph: ReadonlyMap<string, readonly string[]>;
  /** `__noChroot`: it asks to be built outside the sandbox. */
  readonly withoutSandbox: boolean;
  /** `preferLocalBuild`: not worth sending to another machine. */
  readonly isLocal: boolean;
  checksOf(output: string): OutputChecks | undefined;
  /** Whether the output's references are not to be searched for. */
  discardsReferences(output: string): boolean;
}

export function derivationOptions(derivation: Derivation): DerivationOptions {
  const { env, name } = derivation;
  const json = env.get('__json');
  if (json === undefined) return plainOptions(env, name);
  const structured = parseExactJson(json, name);
  if (!(structured instanceof Map)) throw malformedOption(name, '__json', 'an object');
  return structuredOptions(structured, name);
}

function plainOptions(env: ReadonlyMap<string, string>, name: string): DerivationOptions {
  const words = (attribute: string): string[] | undefined =>
    env.get(attribute)?.split(/[ \t\n\r]+/).filter((word) => word !== '');
  const graph = new Map<string, string[]>();
  const pairs = words('exportReferencesGraph') ?? [];
  if (pairs.length % 2 !== 0) throw malformedOption(name, 'exportReferencesGraph', 'pairs of a file name and a path');
  for (let at = 0; at < pairs.length; at += 2) {
    const file = pairs[at] as string;
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(file)) throw malformedOption(name, 'exportReferencesGraph', 'plain file names');
    graph.set(file, [pairs[at + 1] as string]);
  }
  const checks = checksFrom(words, () => undefined, true);
  return {
    structured: undefined,
    passAsFile: new Set(words('passAsFile')),
    impureVariables: words('impureEnvVars') ?? [],
    requiredFeatures: words('requiredSystemFeatures') ?? [],
    prefersLocalBuild: env.get('preferLocalBuild') === '1',
    exportReferencesGraph: graph,
    withoutSandbox: env.get('__noChroot') === '1',
    isLocal: env.get('preferLocalBuild') === '1',
    checksOf: () => checks,
    discardsReferences: () => false,
  };
}

function structuredOptions(attributes: ReadonlyMap<string, ExactJson>, name: string): DerivationOptions {
  const graph = new Map<string, readonly string[]>();
  const graphs = attributes.get('exportReferencesGraph');
  if (graphs instanceof Map) {
    for (const [key, value] of graphs) graph.set(key, stringsIn(value, name, 'exportReferencesGraph'));
  }
  const strings = (attribute: string): string[] => {
    const value = attributes.get(attribute);
    return value === undefined ? [] : stringsIn(value, name, attribute);
  };
  const checks = attributes.get('outputChecks');
  const discards = attributes.get('unsafeDiscardReferences');
  return {
    structured: attributes,
    passAsFile: new Set(),
    impureVariables: strings('impureEnvVars'),
    requiredFeatures: strings('requiredSystemFeatures'),
    prefersLocalBuild: attributes.get('preferLocalBuild') === true,
    exportReferencesGraph: graph,
    withoutSandbox: attributes.get('__noChroot') === true,
    isLocal: attributes.get('preferLocalBuild') === true,
    checksOf(output) {
      const own = checks instanceof Map ? checks.get(output) : undefined;
      if (!(own instanceof Map)) return undefined;
      const list = (attribute: string): string[] | undefined => {
        const value = own.get(attribute);
        return value === undefined ? undefined : stringsIn(value, name, `outputChecks.${output}.${attribute}`);
      };
      const size = (attribute: string): number | undefined => {
        const value = own.get(attribute);
        if (value === undefined) return undefined;
        const number = value instanceof JsonNumber ? Number(value.source) : NaN;
        if (!Number.isInteger(number)) throw malformedOption(name, `outputChecks.${output}.${attribute}`, 'a whole number');
        return number;
      };
      return checksFrom(list, size, false);
    },
    discardsReferences: (output) => discards instanceof Map && discards.get(output) === true,
  };
}

function checksFrom(
  list: (attribute: string) => readonly string[] | undefined,
  size: (attribute: string) => number | undefined,
  ignoresItself: boolean,
): OutputChecks {
  const entries = {
    allowedReferences: list('allowedReferences'),
    allowedRequisites: list('allowedRequisites'),
    disallowedReferences: list('disallowedReferences'),
    disallowedRequisites: list('disallowedRequisites'),
    maxSizeBytes: size('maxSize'),
    maxClosureSizeBytes: size('maxClosureSize'),
  };
  const given = Object.entries(entries).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(given) as Omit<OutputChecks, 'ignoresItself'>), ignoresItself };
}

/** The strings of a list, lists in it opened; a lone string is a list of one. */
function stringsIn(value: ExactJson, name: string, attribute: string): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap((item) => stringsIn(item, name, attribute));
  throw malformedOption(name, attribute, 'a list of strings');
}
