// What a route asks of a request beside its path: method, headers, query parameters.
// Knows no path and no cluster. Compiled once; a check reads the request in place.
import { wholeMatch } from '#lib/linear-regex.ts';
import type { Route, ValueMatch } from '#traffic/model/ir.ts';
import type { RequestView } from './request-view.ts';

export type RouteMatch = Pick<Route, 'path' | 'method' | 'headers' | 'query'>;

/** A condition that a request did not meet. */
export interface Unmet {
  readonly part: 'method' | 'header' | 'query';
  /** Of the header or parameter; empty for the method. */
  readonly name: string;
  readonly wanted: ValueMatch;
  readonly found: string | undefined;
}

interface Condition {
  readonly name: string;
  readonly wanted: ValueMatch;
  readonly test: (value: string) => boolean;
}

export class RouteConditions {
  readonly #method: string | undefined;
  readonly #headers: readonly Condition[];
  readonly #query: readonly Condition[];

  private constructor(match: RouteMatch) {
    this.#method = match.method;
    // Header values come as Latin-1, byte for byte.
    this.#headers = (match.headers ?? []).map(({ name, match }) =>
      conditionOf(name.toLowerCase(), match, utf8AsLatin1),
    );
    this.#query = (match.query ?? []).map(({ name, match }) => conditionOf(name, match, (value) => value));
  }

  /** Undefined for a route that takes whatever comes on its path. */
  static of(match: RouteMatch): RouteConditions | undefined {
    const some = match.method !== undefined || sized(match.headers) || sized(match.query);
    return some ? new RouteConditions(match) : undefined;
  }

  met(request: RequestView): boolean {
    if (this.#method !== undefined && this.#method !== request.method) return false;
    for (let place = 0; place < this.#headers.length; place++) {
      const { name, test } = this.#headers[place] as Condition;
      const value = request.header(name);
      if (value === undefined || !test(value)) return false;
    }
    for (let place = 0; place < this.#query.length; place++) {
      const { name, test } = this.#query[place] as Condition;
      const value = request.query(name);
      if (value === undefined || !test(value)) return false;
    }
    return true;
  }

  /** Every condition that is not met, for people; empty exactly when `met` is true. */
  unmet(request: RequestView): readonly Unmet[] {
    const unmet: Unmet[] = [];
    if (this.#method !== undefined && this.#method !== request.method) {
      unmet.push({ part: 'method', name: '', wanted: { type: 'exact', value: this.#method }, found: request.method });
    }
    const check = (part: 'header' | 'query', { name, wanted, test }: Condition): void => {
      const found = part === 'header' ? request.header(name) : request.query(name);
      if (found === undefined || !test(found)) unmet.push({ part, name, wanted, found });
    };
    for (const condition of this.#headers) check('header', condition);
    for (const condition of this.#query) check('query', condition);
    return unmet;
  }
}

function sized(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && list.length > 0;
}

function conditionOf(name: string, wanted: ValueMatch, encoded: (value: string) => string): Condition {
  if (wanted.type === 'present') return { name, wanted, test: () => true };
  if (wanted.type === 'exact') {
    const value = encoded(wanted.value);
    return { name, wanted, test: (found) => found === value };
  }
  const test = wholeMatch(wanted.value);
  // Whoever wrote the model has been told; a condition that nothing can meet is safer than none.
  return { name, wanted, test: 'error' in test ? () => false : test };
}

function utf8AsLatin1(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the question is whether all is ASCII.
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return String.fromCharCode(...new TextEncoder().encode(text));
}
