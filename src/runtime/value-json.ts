/**
 * Values as JSON text, in one line, with sorted keys, as `builtins.toJSON`, `--json` and
 * structured attributes give it.
 */

import { NixError, type Position } from '#diagnostics';
import { Attrs } from './attrs.ts';
import { enterCall, leaveCall } from './call-depth.ts';
import { peelAttrs } from './coerce.ts';
import type { ContextCollector } from './context.ts';
import { nixError, showType, typeError } from './errors.ts';
import { formatFloatJson, JsonError, quoteJson } from './json-text.ts';
import { printAttributeName } from './print.ts';
import type { EvalServices } from './services.ts';
import { force } from './thunk.ts';
import { ContextString, NixFloat, NixPath, type Slot, type Value } from './values.ts';

export interface JsonOptions {
  /** Paths are copied to the store and give their store path. Default true. */
  readonly copyToStore?: boolean;
}

/** The JSON of a value, everything in it forced; contexts of strings go to `collector`. */
export function valueToJson(
  slot: Slot,
  services: EvalServices,
  collector: ContextCollector,
  position: Position = 0,
  options: JsonOptions = {},
): string {
  const writer = new JsonWriter(services, collector);
  try {
    return writer.write(slot, position, options.copyToStore ?? true);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw nixError('Error', `JSON serialization error: ${error.message}`);
  }
}

class JsonWriter {
  private readonly services: EvalServices;
  private readonly collector: ContextCollector;

  constructor(services: EvalServices, collector: ContextCollector) {
    this.services = services;
    this.collector = collector;
  }

  write(slot: Slot, position: Position, copyToStore: boolean): string {
    enterCall(position);
    const text = this.writeValue(force(slot, position), position, copyToStore);
    leaveCall();
    return text;
  }

  private writeValue(value: Value, position: Position, copyToStore: boolean): string {
    switch (typeof value) {
      case 'string':
        return quoteJson(value);
      case 'boolean':
      case 'number':
      case 'bigint':
        return String(value);
    }
    if (value === null) return 'null';
    if (value instanceof ContextString) {
      this.collector.add(value.context);
      return quoteJson(value.text);
    }
    if (value instanceof Attrs) return this.writeAttrs(value, position, copyToStore);
    if (Array.isArray(value)) return this.writeList(value, position, copyToStore);
    if (value instanceof NixFloat) return formatFloatJson(value.value);
    if (value instanceof NixPath) {
      if (!copyToStore) return quoteJson(value.path);
      const storePath = this.services.copyPathToStore(value.path);
      this.collector.addElement(storePath);
      return quoteJson(storePath);
    }
    throw typeError(`cannot convert ${showType(value)} to JSON`, position);
  }

  private writeList(
    list: readonly Slot[],
    position: Position,
    copyToStore: boolean,
  ): string {
    let text = '[';
    for (let i = 0; i < list.length; i++) {
      try {
        if (i > 0) text += ',';
        text += this.write(list[i]!, position, copyToStore);
      } catch (error) {
        if (error instanceof NixError) {
          error.addTrace(position, `while evaluating list element at index ${i}`);
        }
        throw error;
      }
    }
    return `${text}]`;
  }

  private writeAttrs(
    set: Attrs,
    position: Position,
    copyToStore: boolean,
  ): string {
    return peelAttrs(set, position, (peeled, throughToString) => {
      if (!(peeled instanceof Attrs)) {
        // A path that `__toString` returned stays a text.
        return this.write(peeled, position, copyToStore && !throughToString);
      }
      let text = '{';
      for (let i = 0; i < peeled.size; i++) {
        const place = peeled.positionAt(i);
        try {
          if (i > 0) text += ',';
          text += `${quoteJson(peeled.nameAt(i))}:`;
          text += this.write(peeled.slotAt(i), place, copyToStore);
        } catch (error) {
          if (error instanceof NixError) {
            const name = printAttributeName(peeled.nameAt(i));
            error.addTrace(place, `while evaluating attribute '${name}'`);
          }
          throw error;
        }
      }
      return `${text}}`;
    }, { requireString: true });
  }
}
