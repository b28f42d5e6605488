// A message of a schema: what is wrong, with a `%` where the field is named, and what helps.
// One text, because that is what a schema library carries.

const SEPARATOR = '\n';

export function refusal(what: string, remedy: string): string {
  return `${what.replaceAll(SEPARATOR, ' ')}${SEPARATOR}${remedy}`;
}

/** The two halves, the field in its place. */
export function readRefusal(message: string, field: string): { readonly message: string; readonly remedy: string } {
  const [what = '', remedy = ''] = message.split(SEPARATOR);
  const name = field === '' ? 'The file' : `Field "${field}"`;
  // Only the first one: a value may hold a percent sign of its own. A function, because names may hold a dollar sign.
  return { message: what.replace('%', () => name), remedy };
}
