// Reads one parameter out of a query, as forms write them: `+` is a space, escapes are UTF-8.
// Knows nothing of routes; makes no string but the value.

const EQUALS = 61;
const PERCENT = 37;
const PLUS = 43;

/** The first parameter called `name` in the query of a request target; `''` for one without a value. */
export function queryParameter(target: string, name: string): string | undefined {
  const query = target.indexOf('?');
  if (query < 0) return undefined;
  let from = query + 1;
  while (from <= target.length) {
    let end = target.indexOf('&', from);
    if (end < 0) end = target.length;
    let equals = from;
    let plain = true;
    for (; equals < end; equals++) {
      const code = target.charCodeAt(equals);
      if (code === EQUALS) break;
      if (code === PERCENT || code === PLUS) plain = false;
    }
    const same = plain
      ? equals - from === name.length && target.startsWith(name, from)
      : decode(target.slice(from, equals)) === name;
    // `a=1&&b=2`: nothing between two separators is no parameter.
    if (same && end > from) return equals < end ? decode(target.slice(equals + 1, end)) : '';
    from = end + 1;
  }
  return undefined;
}

/** As it stands where its escapes are broken: such a value equals no other, and is nobody's crash. */
function decode(text: string): string {
  let escaped = false;
  let spaces = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === PERCENT) escaped = true;
    else if (code === PLUS) spaces = true;
  }
  const spaced = spaces ? text.replaceAll('+', ' ') : text;
  if (!escaped) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
