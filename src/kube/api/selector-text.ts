// Reads the text form of label selectors, with upstream's words for what it did not expect.
// Knows the grammar only; matching is selector.ts.
import { labelValueMistakes, qualifiedNameMistakes } from './label-names.ts';
import type { LabelOperator, LabelRequirement } from './selector.ts';
import { badRequest, type StatusError } from './status.ts';

type TokenKind =
  | 'end'
  | 'identifier'
  | 'in'
  | 'notin'
  | ')'
  | ','
  | '!'
  | '=='
  | '='
  | '!='
  | '('
  | '>'
  | '<'
  | 'error';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const comparing: Readonly<Partial<Record<TokenKind, LabelOperator>>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

const symbols: ReadonlySet<string> = new Set([')', ',', '!', '==', '=', '!=', '(', '>', '<']);

/** Symbols run together as upstream's lexer takes them: `=(` is two tokens, `=!` none that exists. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [word] of text.matchAll(/==|!=|[=!(),<>]|[^=!(),<>\s]+/g)) {
    if (symbols.has(word)) tokens.push({ kind: word as TokenKind, text: word });
    else if (word === 'in' || word === 'notin') tokens.push({ kind: word, text: word });
    else tokens.push({ kind: 'identifier', text: word });
  }
  return tokens;
}

/** One use each: `new LabelParser(text).parse()`. */
export class LabelParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  /** Throws a 400 StatusError. */
  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const next = this.#peek();
      if (next.kind === 'end') return requirements;
      if (next.kind !== 'identifier' && next.kind !== '!') {
        throw badRequest(`found '${next.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const after = this.#take(true);
      if (after.kind === 'end') return requirements;
      if (after.kind !== ',') throw badRequest(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.#peek(true);
      if (following.kind !== 'identifier' && following.kind !== '!') {
        throw badRequest(`found '${following.text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek(true).kind === '!';
    if (negated) this.#take();
    const name = this.#take(true);
    if (name.kind !== 'identifier') throw unexpected(`found '${name.text}', expected: identifier`);
    const key = checkedKey(name.text);
    if (negated) return { key, operator: '!', values: [] };
    const next = this.#peek(true).kind;
    if (next === 'end' || next === ',') return { key, operator: 'exists', values: [] };
    const token = this.#take();
    const operator = comparing[token.kind];
    if (operator === undefined) throw unexpected(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    const values = operator === 'in' || operator === 'notin' ? this.#set() : [this.#exact()];
    if (operator === 'gt' || operator === 'lt') checkInteger(values);
    values.forEach((value, index) => {
      checkValue(value, index, key);
    });
    return { key, operator, values };
  }

  #exact(): string {
    const next = this.#peek(true);
    if (next.kind === 'end' || next.kind === ',') return '';
    this.#take(true);
    if (next.kind !== 'identifier') throw unexpected(`found '${next.text}', expected: identifier`);
    return next.text;
  }

  #set(): string[] {
    const open = this.#take(true);
    if (open.kind !== '(') throw unexpected(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    // An empty place between commas, or before the closing parenthesis, is the empty value.
    let pending = true;
    for (;;) {
      const token = this.#take(true);
      if (token.kind === 'identifier' && pending) {
        values.add(token.text);
        pending = false;
      } else if (token.kind === ',' || token.kind === ')') {
        if (pending) values.add('');
        if (token.kind === ')') return [...values].sort();
        pending = true;
      } else {
        throw unexpected(`found '${token.text}', expected: ',', or ')'`);
      }
    }
  }

  /** In the place of a value, `in` and `notin` are plain words. */
  #peek(asValue = false): Token {
    const token = this.#tokens[this.#at] ?? { kind: 'end', text: '' };
    return asValue && (token.kind === 'in' || token.kind === 'notin') ? { ...token, kind: 'identifier' } : token;
  }

  #take(asValue = false): Token {
    const token = this.#peek(asValue);
    this.#at += 1;
    return token;
  }
}

function unexpected(what: string): StatusError {
  return badRequest(`unable to parse requirement: ${what}`);
}

function checkedKey(key: string): string {
  const mistakes = qualifiedNameMistakes(key);
  if (mistakes.length === 0) return key;
  throw unexpected(`key: Invalid value: ${JSON.stringify(key)}: ${mistakes.join('; ')}`);
}

function checkValue(value: string, index: number, key: string): void {
  const mistakes = labelValueMistakes(value);
  if (mistakes.length === 0) return;
  throw unexpected(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${mistakes.join('; ')}`);
}

function checkInteger(values: readonly string[]): void {
  if (values.every((value) => /^[+-]?\d+$/.test(value))) return;
  throw unexpected(
    `values[0]: Invalid value: ${JSON.stringify(values[0] ?? '')}: for 'Gt', 'Lt' operators, the value must be an integer`,
  );
}
