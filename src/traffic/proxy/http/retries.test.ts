// Which failures and answers are worth another try, for which methods, how often and after how long.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failures } from '../upstream/failure.ts';
import { Retries } from './retries.ts';

function begun(policy: Parameters<Retries['begin']>[0]): Retries {
  const retries = new Retries();
  retries.begin(policy);
  return retries;
}

describe('Retries', () => {
  it('sends any method again when nothing was sent', () => {
    expect(begun({ attempts: 1 }).afterFailure(failures.connect, 'POST', false)).toBe(true);
    expect(begun({ attempts: 1 }).afterFailure(failures.connectTimeout, 'POST', false)).toBe(true);
  });

  it('sends again only what may be repeated when the backend may have acted', () => {
    expect(begun({ attempts: 1 }).afterFailure(failures.closed, 'GET', false)).toBe(true);
    expect(begun({ attempts: 1 }).afterFailure(failures.closed, 'POST', false)).toBe(false);
    expect(begun({ attempts: 1, methods: ['POST'] }).afterFailure(failures.closed, 'POST', false)).toBe(true);
  });

  it('never repeats what had begun to be answered', () => {
    const all = begun({ attempts: 9, on: ['reset', 'timeout', '5xx', 'connect_failure'] });
    for (const failure of [failures.truncated, failures.protocol, failures.idleTimeout, failures.requestTimeout]) {
      expect(all.afterFailure(failure, 'GET', false)).toBe(false);
    }
  });

  it('repeats a time-out only when it is asked for', () => {
    expect(begun({ attempts: 1 }).afterFailure(failures.tryTimeout, 'GET', false)).toBe(false);
    expect(begun({ attempts: 1, on: ['timeout'] }).afterFailure(failures.tryTimeout, 'GET', false)).toBe(true);
    expect(begun({ attempts: 1, on: ['timeout'] }).afterFailure(failures.responseTimeout, 'GET', false)).toBe(true);
  });

  it('does no more than the policy names: without "connect_failure" not even that', () => {
    expect(begun({ attempts: 3, on: ['5xx'] }).afterFailure(failures.connect, 'GET', false)).toBe(false);
  });

  it.each([
    ['gateway_error', [502, 503, 504], [500, 501, 409, 404, 200]],
    ['5xx', [500, 501, 502, 503, 599], [409, 404, 200]],
    ['retriable_4xx', [409], [400, 404, 429, 500, 503]],
  ] as const)('takes %s for %j and not for %j', (condition, yes, no) => {
    for (const status of yes)
      expect(begun({ attempts: 1, on: [condition] }).afterStatus(status, 'GET'), `${status}`).toBe(true);
    for (const status of no)
      expect(begun({ attempts: 1, on: [condition] }).afterStatus(status, 'GET'), `${status}`).toBe(false);
  });

  it('takes statuses by number', () => {
    expect(begun({ attempts: 1, statuses: [429] }).afterStatus(429, 'GET')).toBe(true);
    expect(begun({ attempts: 1, statuses: [429] }).afterStatus(429, 'POST')).toBe(false);
  });

  it('forgives a connection that was closed as it was used, once, without a try', () => {
    const retries = begun({ attempts: 1 });
    expect(retries.afterFailure(failures.closed, 'GET', true)).toBe(true);
    expect(retries.afterFailure(failures.closed, 'GET', true)).toBe(true);
    expect(retries.afterFailure(failures.closed, 'GET', true)).toBe(false);
  });

  it('allows as many tries as the policy says, whatever goes wrong', () => {
    fc.assert(
      fc.property(fc.nat(8), fc.array(fc.constantFrom('failure', 'status'), { maxLength: 20 }), (attempts, events) => {
        const retries = begun({ attempts, on: ['connect_failure', '5xx'] });
        const allowed = events.filter((event) =>
          event === 'failure' ? retries.afterFailure(failures.connect, 'GET', false) : retries.afterStatus(500, 'GET'),
        );
        expect(allowed).toHaveLength(Math.min(attempts, events.length));
      }),
    );
  });

  it('waits longer with each try, up to the bound, anywhere below it', () => {
    const retries = begun({ attempts: 4, backoff: { baseMs: 25, maxMs: 60 } });
    const bounds: number[] = [];
    while (retries.afterFailure(failures.connect, 'GET', false)) {
      bounds.push(retries.backoff(() => 1));
      expect(retries.backoff(() => 0)).toBe(0);
    }
    expect(bounds).toEqual([25, 50, 60, 60]);
    expect(begun({ attempts: 1 }).backoff(() => 1)).toBe(0);
  });
});
