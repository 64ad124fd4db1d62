/** Builtins that write and read JSON, XML and TOML. */

import { forceStringNoContext, makeString } from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { evalError, nixError } from '../errors.ts';
import { JsonError, parseJson } from '../json-text.ts';
import { parseToml, TomlError } from '../toml.ts';
import { valueToJson } from '../value-json.ts';
import { valueToXml } from '../value-xml.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const conversion: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'toJSON',
    args: ['e'],
    doc:
      'The value *e* as JSON. A set with `__toString` or `outPath` becomes that string, a path is' +
      ' copied to the store and becomes its store path; functions cannot be written.',
    run: (services, e) => {
      const collector = new ContextCollector();
      return makeString(valueToJson(e, services, collector), collector);
    },
  }),
  definePrimOp({
    name: 'fromJSON',
    args: ['e'],
    doc: 'The value of a JSON text.',
    run: (_, e) => {
      const text = forceStringNoContext(
        e,
        0,
        'while evaluating the first argument passed to builtins.fromJSON',
      );
      try {
        return parseJson(text);
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        const failure = nixError('Error', error.message);
        throw error.isSyntax ? failure.addTrace(0, 'while decoding a JSON string') : failure;
      }
    },
  }),
  definePrimOp({
    name: 'toXML',
    args: ['e'],
    doc:
      'The value *e* as XML, everything in it evaluated; each derivation is described once, of' +
      ' functions the parameters.',
    run: (_, e) => {
      const collector = new ContextCollector();
      const text = valueToXml(e, collector, { strict: true, location: false });
      return makeString(text, collector);
    },
  }),
  definePrimOp({
    name: 'fromTOML',
    args: ['e'],
    global: true,
    doc:
      'The value of a TOML document. Dates and times become sets with `_type = "timestamp"` and' +
      ' their text as `value`, which needs the feature `parse-toml-timestamps`.',
    run: (services, e) => {
      const text = forceStringNoContext(
        e,
        0,
        'while evaluating the argument passed to builtins.fromTOML',
      );
      try {
        return parseToml(text, {
          timestamps: services.settings.features.has('parse-toml-timestamps'),
        });
      } catch (error) {
        if (!(error instanceof TomlError)) throw error;
        throw evalError(`while parsing TOML: ${error.message}`);
      }
    },
  }),
];
