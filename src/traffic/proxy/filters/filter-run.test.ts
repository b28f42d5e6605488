// How filters are run: one that asks somebody else holds the request, and those behind it miss nothing.

import { describe, expect, it } from 'vitest';
import type { ClientStream } from '../http/client-stream.ts';
import type { HttpContext } from '../http/context.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';
import { RequestBody } from '../http/request-body.ts';
import { RequestHead } from '../http1/request-head.ts';
import { route } from '../testing/model.ts';
import type { FilterExchange, HttpFilter } from './filter.ts';
import { FilterRun } from './filter-run.ts';

function lab(...filters: HttpFilter[]) {
  const log: string[] = [];
  const body = new RequestBody();
  const head = new RequestHead();
  const run = new FilterRun({} as HttpContext, { head, bytesIn: 0 } as ClientStream, body, {
    requestId: 'r1',
    proceed: () => log.push('proceed'),
    answer: (reply: LocalReply) => log.push(`answer ${reply.status}`),
    holdBack: () => log.push('hold back'),
    letSend: () => log.push('let send'),
    ended: () => {},
    unblocked: () => {},
    broken: () => {},
  });
  const begin = (): LocalReply | undefined =>
    run.run(route('a'), undefined, {
      factories: filters.map((filter) => () => filter),
      responseOrder: filters.map((_filter, at) => at),
    });
  const take = (...parts: string[]): number => {
    const from = body.parts.length;
    body.parts.push(...parts);
    return from;
  };
  const watcher: HttpFilter = {
    onRequest: () => {
      log.push('head');
      return undefined;
    },
    onRequestBody: (x, from) => {
      log.push(`body ${x.body.parts.slice(from).join('')}`);
      return undefined;
    },
    onEnd: () => log.push('end'),
  };
  filters.push(watcher);
  return { run, log, begin, take };
}

/** Asks somebody who answers when the test says so. */
function asking(): { filter: HttpFilter; x: () => FilterExchange } {
  let exchange: FilterExchange | undefined;
  return {
    filter: {
      onRequest(x) {
        exchange = x;
        return 'wait';
      },
    },
    x: () => exchange as FilterExchange,
  };
}

describe('a filter that waits', () => {
  it('holds the request; those behind it then see head and body from the start', () => {
    const { filter, x } = asking();
    const { run, log, begin, take } = lab(filter);
    expect(begin()).toBeUndefined();
    expect(run.waiting).toBe(true);
    expect(run.hold(take('ab'))).toBe(true);
    expect(run.hold(take('cd'))).toBe(true);
    expect(log).toEqual([]);
    x().resume();
    expect(log).toEqual(['head', 'body abcd', 'proceed']);
    expect(run.hold(take('ef'))).toBe(false);
    expect(log.at(-1)).toBe('body ef');
    // Too late to have a say.
    x().resume();
    expect(log).toHaveLength(4);
  });

  it('may answer in place of going on', () => {
    const { filter, x } = asking();
    const { run, log, begin, take } = lab(filter);
    begin();
    run.hold(take('ab'));
    x().answer(textReply(403, 'No'));
    expect(log).toEqual(['answer 403']);
    expect(run.waiting).toBe(false);
    // Only once.
    x().answer(textReply(403, 'No'));
    expect(log).toHaveLength(1);
  });

  it('may be followed by another', () => {
    const [first, second] = [asking(), asking()];
    const { run, log, begin, take } = lab(first.filter, second.filter);
    begin();
    run.hold(take('ab'));
    first.x().resume();
    expect(run.waiting).toBe(true);
    expect(log).toEqual([]);
    second.x().resume();
    expect(log).toEqual(['head', 'body ab', 'proceed']);
  });

  it('may have the client wait with its body, once, until the request goes on', () => {
    const { filter, x } = asking();
    const { run, log, begin, take } = lab(filter);
    begin();
    run.hold(take('ab'));
    x().holdBack();
    x().holdBack();
    expect(log).toEqual(['hold back']);
    x().resume();
    expect(log).toEqual(['hold back', 'let send', 'head', 'body ab', 'proceed']);
  });

  it('whose request is over holds nothing of the next', () => {
    const { filter } = asking();
    const { run, log, begin } = lab(filter);
    begin();
    run.end();
    expect(log).toEqual(['end']);
    expect(run.waiting).toBe(false);
    expect(run.begin(route('b'), undefined)).toBeUndefined();
    expect(run.hold(0)).toBe(false);
  });
});

it('a filter that answers keeps the request from those behind it', () => {
  const { log, begin } = lab({ onRequest: () => textReply(403, 'No') });
  expect(begin()?.status).toBe(403);
  expect(log).toEqual([]);
});
