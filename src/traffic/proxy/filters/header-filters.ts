// The header edits of a route, both ways: set, then add, then remove.
// Knows no route; which names may be edited was decided before (`model/header-rules.ts`).

import type { HeaderEdits } from '#traffic/model/ir.ts';
import { type HeaderLines, headerLine, removeFields } from '../http/head-edits.ts';
import type { HttpFilter } from './filter.ts';

/** Edits made ready: one pass to take lines away, one text to put in their place. */
class LineEdits {
  /** Value of a `Host` that is set; empty when none is. */
  readonly host: string;
  readonly #gone: ReadonlySet<string>;
  readonly #lines: string;

  constructor({ set = [], add = [], remove = [] }: HeaderEdits) {
    const removed = new Set(remove.map((name) => name.toLowerCase()));
    const isHost = (name: string): boolean => name.toLowerCase() === 'host';
    this.host = set.find(({ name }) => isHost(name))?.value.trim() ?? '';
    const last = new Map(set.filter(({ name }) => !isHost(name)).map((header) => [header.name.toLowerCase(), header]));
    // Of two that set one name the last counts; what is removed after it was set or added never appears.
    const lines = [...last.values(), ...add].filter(({ name }) => !removed.has(name.toLowerCase()));
    this.#gone = new Set([...last.keys(), ...removed]);
    this.#lines = lines.map(({ name, value }) => headerLine(name, value)).join('');
  }

  apply(head: HeaderLines): void {
    if (this.#gone.size > 0) removeFields(head, this.#gone);
    head.added += this.#lines;
  }
}

export function requestHeaders(config: HeaderEdits): HttpFilter {
  const edits = new LineEdits(config);
  return {
    onRequest({ head }) {
      edits.apply(head);
      if (edits.host !== '') head.rewrittenAuthority = edits.host;
      return undefined;
    },
  };
}

export function responseHeaders(config: HeaderEdits): HttpFilter {
  const edits = new LineEdits(config);
  return {
    onResponse(_x, head) {
      edits.apply(head);
    },
  };
}
