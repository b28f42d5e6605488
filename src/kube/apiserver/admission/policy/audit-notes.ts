// What policies want written down about a request, gathered over their bindings and parameters.
// Knows keys and values; where they are written is the audit log's matter.
import type { Value } from '#kube/api/cel/index.ts';
import type { Annotate } from '../attributes.ts';

/** Of one value, in bytes; what is longer is cut off. */
const MOST_BYTES = 10 * 1024;

export class AuditNotes {
  readonly #notes = new Map<string, string[]>();

  /** A value that is no text says nothing. */
  add(policy: string, key: string, value: Value): void {
    if (typeof value !== 'string') return;
    const text = value.trim();
    if (text === '') return;
    const full = `${policy}/${key}`;
    const cut = Buffer.byteLength(text) > MOST_BYTES ? Buffer.from(text).toString('utf8', 0, MOST_BYTES) : text;
    const known = this.#notes.get(full) ?? [];
    if (!known.includes(cut)) this.#notes.set(full, [...known, cut]);
  }

  publish(annotate: Annotate): void {
    for (const [key, values] of this.#notes) annotate(key, values.join(', '));
  }
}
