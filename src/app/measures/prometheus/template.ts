// Templates as rules of prometheus-adapter write them: text with `<<.Field>>` in it, of Go's templates the part that they use.
// Knows no query. (Upstream: text/template with the delimiters << and >>.)

export type TemplateValues = Readonly<Record<string, string | readonly string[] | Readonly<Record<string, string>>>>;

export type Template = (values: TemplateValues) => string;

/** What a field is: text, a list (`index .GroupBySlice 0`), or texts by name (`.LabelValuesByName.app`). */
export type FieldKind = 'text' | 'list' | 'map';

type Part = (values: TemplateValues) => string;

const ACTION = /<<(-?)\s*(.*?)\s*(-?)>>/gs;
const FIELD = /^\.(\w+)(?:\.(\w+))?$/;
const INDEX = /^index\s+\.(\w+)\s+(?:"([^"\\]*)"|(\d+))$/;

/** The template, or what is wrong with it. */
export function compileTemplate(
  text: string,
  fields: Readonly<Record<string, FieldKind>>,
): Template | { readonly error: string } {
  const parts: Part[] = [];
  const addText = (piece: string): void => {
    if (piece !== '') parts.push(() => piece);
  };
  let from = 0;
  let trim = false;
  for (const match of text.matchAll(ACTION)) {
    const [whole, before = '', action = '', after = ''] = match;
    const piece = plain(text.slice(from, match.index), trim, before === '-');
    if (piece.includes('<<')) return { error: 'a "<<" is not closed by ">>"' };
    addText(piece);
    const part = partOf(action, fields);
    if ('error' in part) return part;
    parts.push(part);
    from = match.index + whole.length;
    trim = after === '-';
  }
  const rest = plain(text.slice(from), trim, false);
  if (rest.includes('<<')) return { error: 'a "<<" is not closed by ">>"' };
  addText(rest);
  return (values) => parts.map((part) => part(values)).join('');
}

function plain(text: string, start: boolean, end: boolean): string {
  const begun = start ? text.trimStart() : text;
  return end ? begun.trimEnd() : begun;
}

function partOf(action: string, fields: Readonly<Record<string, FieldKind>>): Part | { readonly error: string } {
  const [, field, key] = FIELD.exec(action) ?? [];
  const [, indexed, name, position] = INDEX.exec(action) ?? [];
  const asked = field ?? indexed;
  if (asked === undefined) {
    return { error: `"<<${action}>>" is more than a field: write <<.Field>> or <<index .LabelValuesByName "label">>` };
  }
  const kind = Object.hasOwn(fields, asked) ? fields[asked] : undefined;
  if (kind === undefined) {
    return { error: `there is no field ".${asked}": there are ${Object.keys(fields).map(dotted).join(', ')}` };
  }
  const wanted = kind === 'map' ? (key ?? name) : kind === 'list' ? position : undefined;
  const isWhole = key === undefined && indexed === undefined;
  if ((kind === 'text') !== isWhole || (kind !== 'text' && wanted === undefined)) {
    const remedy = { text: `<<.${asked}>>`, map: `<<index .${asked} "label">>`, list: `<<index .${asked} 0>>` }[kind];
    return { error: `"<<${action}>>" is not what ".${asked}" can be asked for: write ${remedy}` };
  }
  return (values) => {
    const value = values[asked];
    if (value === undefined || typeof value === 'string') return value ?? '';
    // As Go: a name that is not there is empty text.
    return (Array.isArray(value) ? value[Number(wanted)] : (value as Record<string, string>)[wanted ?? '']) ?? '';
  };
}

const dotted = (name: string): string => `.${name}`;
