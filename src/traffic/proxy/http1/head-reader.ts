// Finds the head of the next request in the bytes that arrive, however they are cut, within the limits.
// Knows nothing of what a head says; that is for `parseRequestHead`.

import type { HttpLimits } from './limits.ts';
import { type Rejection, rejections } from './rejection.ts';

/** How much of a read is made a string at first; heads are rarely longer. */
export const HEAD_WINDOW = 16 * 1024;

export class HeadReader {
  /** The head found last is `text[start, end)`. */
  text = '';
  start = 0;
  end = 0;
  /** Why no head can come of what arrived; set when `read` returns -1 and nothing more is wanted. */
  refusal: Rejection | undefined;
  /** Start of a head whose end has not come. */
  #partial = '';

  /** Nothing of a head has come; an empty line, as some clients put behind a body, is nothing. */
  get idle(): boolean {
    return this.#partial === '' || '\r\n'.startsWith(this.#partial);
  }

  reset(): void {
    this.#partial = '';
  }

  /** Reads `bytes[from, length)`; returns where the body begins, or -1 when the head is not whole, or refused. */
  read(bytes: Buffer, from: number, length: number, limits: HttpLimits): number {
    this.refusal = undefined;
    const before = this.#partial.length;
    let window = Math.min(length, from + HEAD_WINDOW);
    let text = this.#partial + bytes.toString('latin1', from, window);
    // One empty line before a request is tolerated (RFC 9112, 2.2).
    const start = text.startsWith('\r\n') ? 2 : 0;
    // What came before was searched when it came: a head in single bytes must not cost its length each time.
    const searchFrom = Math.max(start, before - 3);
    let at = text.indexOf('\r\n\r\n', searchFrom);
    if (at < 0 && window < length) {
      window = length;
      text = this.#partial + bytes.toString('latin1', from, window);
      at = text.indexOf('\r\n\r\n', searchFrom);
    }
    if (at < 0) {
      this.refusal = refusalOf(text, start, before, limits);
      this.#partial = text;
      return -1;
    }
    const end = at + 4;
    this.text = text;
    this.start = start;
    this.end = end;
    if (end - start > limits.head) {
      this.refusal = rejections.headLength;
      return -1;
    }
    this.#partial = '';
    return from + end - before;
  }
}

/** `text` is all of a head that has come; up to `checked` it was looked at before. */
function refusalOf(text: string, start: number, checked: number, limits: HttpLimits): Rejection | undefined {
  const lineEnd = text.indexOf('\r\n', start);
  if ((lineEnd < 0 ? text.length : lineEnd) - start > limits.requestLine + 16) return rejections.targetLength;
  if (text.length - start > limits.head) return rejections.headLength;
  return hasBareLineFeed(text, checked) ? rejections.lineEnd : undefined;
}

/** Whether a line of `text` ends with LF alone; looked for behind `from`. */
export function hasBareLineFeed(text: string, from: number): boolean {
  for (let at = text.indexOf('\n', from); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (at === 0 || text.charCodeAt(at - 1) !== 13) return true;
  }
  return false;
}
