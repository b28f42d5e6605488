// The syntax of optional values, written as calls: the parser knows CEL without them.
// Knows tokens only: `a.?b`, `a[?0]`, `[?a]`, `{?k: v}`, `Type{?field: v}` and fields in backquotes.

/** Names that no expression of a user can contain unless they are written out. */
export const OPT_SELECT = '__opt_select__';
export const OPT_INDEX = '__opt_index__';
export const OPT_ENTRY = '__opt_entry__';
/** Before the name of a field in a message. */
export const OPT_FIELD = '__opt_field__';
export const QUOTED_FIELD = '__quoted_field__';

const TOKEN =
  /[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?''')|[rR][bB]?(?:"[^"\n]*"|'[^'\n]*')|[bB]?(?:"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')|`[^`\n]*`|\/\/[^\n]*|[A-Za-z_][A-Za-z_0-9]*|\d[\d.a-zA-Z]*|\s+|[\s\S]/g;

interface Open {
  /** What closes it in the text that is made. */
  readonly close: string;
  /** Whether an element may begin with `?` here. */
  readonly literal: boolean;
  /** Whether what is named in it are fields of a type. */
  readonly message: boolean;
  /** A call around an element that ends at the next comma, colon or bracket. */
  pending: boolean;
}

export function writeOptionalsAsCalls(text: string): string {
  if (!/\.\s*\?|[[{,]\s*\?|`/.test(text)) return text;
  const out: string[] = [];
  const stack: Open[] = [];
  let before = '';
  const tokens = text.match(TOKEN) ?? [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] ?? '';
    if (/^\s|^\/\//.test(token)) {
      out.push(token);
      continue;
    }
    const inner = stack.at(-1);
    if (token.startsWith('`')) {
      // After the dot that is written already.
      out.push(`${QUOTED_FIELD}(${JSON.stringify(token.slice(1, -1))})`);
    } else if (token === '?' && before === '.') {
      const name = tokens[index + 1] ?? '';
      const field = name.startsWith('`') ? name.slice(1, -1) : name;
      out.push(`${OPT_SELECT}(${JSON.stringify(field)})`);
      index++;
    } else if (token === '?' && inner?.message === true && /^[{,]$/.test(before)) {
      out.push(OPT_FIELD);
    } else if (token === '?' && inner?.literal === true && /^[[{,]$/.test(before)) {
      out.push(`${OPT_ENTRY}(`);
      inner.pending = true;
    } else if (token === '[' || token === '{' || token === '(') {
      const isIndex = token === '[' && isOperandEnd(before);
      const next = tokens.slice(index + 1).find((each) => !/^\s/.test(each));
      if (isIndex && next === '?') {
        out.push(`.${OPT_INDEX}(`);
        stack.push({ close: ')', literal: false, message: false, pending: false });
        index += tokens.slice(index + 1).indexOf('?') + 1;
      } else {
        out.push(token);
        const close = token === '[' ? ']' : token === '{' ? '}' : ')';
        const message = token === '{' && /^[A-Za-z_]\w*$/.test(before) && before !== 'in';
        stack.push({ close, literal: token !== '(' && !isIndex, message, pending: false });
      }
    } else if (token === ']' || token === '}' || token === ')') {
      out.push(`${inner?.pending === true ? ')' : ''}${inner?.close ?? token}`);
      stack.pop();
    } else if ((token === ',' || token === ':') && inner?.pending === true) {
      out.push(`)${token}`);
      inner.pending = false;
    } else out.push(token);
    before = token;
  }
  return out.join('');
}

function isOperandEnd(token: string): boolean {
  return /^[\w"'`)\]}]|["']$/.test(token) && token !== 'in';
}
