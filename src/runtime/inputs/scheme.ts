/** What a kind of input is to know about itself. */

import type { Input } from './attributes.ts';
import type { Url } from './url.ts';

/** What the settings say about inputs. */
export interface InputSettings {
  /** Throws unless the experimental feature is on. */
  requireFeature(feature: string): void;
  /** Whether a revision suffices to lock an archive that a forge makes. */
  readonly trustForges: boolean;
  warn?(text: string): void;
}

export interface Scheme {
  /** The `type` of its inputs. */
  readonly name: string;
  /** The experimental feature that it belongs to. */
  readonly feature?: string;
  readonly attributes: ReadonlySet<string>;
  /** The attributes that a URL means; undefined if the URL is another scheme's. May change `url`. */
  fromUrl(url: Url, requireTree: boolean): Input | undefined;
  /** Throws for values that cannot be; gives the normal form. */
  check(input: Input, settings: InputSettings): Input;
  toUrl(input: Input): Url;
  isLocked(input: Input, settings: InputSettings): boolean;
  override(input: Input, ref: string | undefined, revision: string | undefined): Input;
}
