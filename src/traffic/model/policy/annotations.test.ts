// Annotations as people write them: what is good is heard, what is not is told with its remedy, each by itself.
import { describe, expect, it } from 'vitest';
import { annotated } from './annotations.ts';

function read(annotations: Record<string, string>, kind: 'Ingress' | 'Service' = 'Ingress') {
  const named = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`evenkeel.dev/${name}`, value]));
  const { changes, problems } = annotated(kind, { metadata: { namespace: 'shop', name: 'web', annotations: named } });
  const { origins: _origins, ...rest } = changes ?? {};
  return { changes: rest, problems: problems.map(({ field, message }) => `${field}: ${message}`) };
}

const UNTIL = '; until then it is as if it were not there';
const at = (name: string): string => `metadata.annotations[evenkeel.dev/${name}]`;

describe('annotations of an Ingress', () => {
  it('say what a BackendPolicy would', () => {
    expect(
      read({
        'balancing-policy': 'ring_hash',
        'hash-by': 'header',
        'hash-by-name': 'X-User',
        'request-timeout': '5s',
        'max-requests': '10',
        'retry-on': 'reset, gateway_error',
        retries: '2',
        subset: 'version=v1',
      }),
    ).toEqual({
      changes: {
        policy: { type: 'ring_hash' },
        hash: { type: 'header', name: 'x-user' },
        timeouts: { request: 5_000 },
        circuitBreaker: { maxRequests: 10 },
        retry: { attempts: 2, on: ['reset', 'gateway_error'] },
        subset: { version: 'v1' },
      },
      problems: [],
    });
  });

  it('are where each setting came from', () => {
    const { changes } = annotated('Ingress', {
      metadata: { namespace: 'shop', name: 'web', annotations: { 'evenkeel.dev/slow-start': '30s' } },
    });
    expect(changes?.origins).toEqual({
      'slowStart.window': { value: '30s', from: 'annotation evenkeel.dev/slow-start of Ingress shop/web' },
    });
  });

  it('that are wrong change nothing of the others', () => {
    expect(read({ 'request-timeout': 'soon', 'connect-timeout': '1s' })).toEqual({
      changes: { timeouts: { connect: 1_000 } },
      problems: [
        `${at('request-timeout')}: Value "soon" is wrong: use a duration from 0s to 24h, e.g. 500ms, 30s or 1m30s${UNTIL}`,
      ],
    });
  });

  it('that contradict each other are told by their names', () => {
    expect(read({ 'balancing-policy': 'random', 'balancing-choices': '3' })).toEqual({
      changes: { policy: { type: 'random' } },
      problems: [
        `${at('balancing-choices')}: Settings contradict each other: "evenkeel.dev/balancing-choices" is for "evenkeel.dev/balancing-policy" least_request and peak_ewma only${UNTIL}`,
      ],
    });
    expect(read({ 'affinity-cookie-path': '/x' })).toEqual({
      changes: {},
      problems: [
        `${at('affinity-cookie-path')}: Annotation "evenkeel.dev/affinity" is missing, without which it says nothing: add it${UNTIL}`,
      ],
    });
  });

  it('that do not exist are told with the one that was probably meant', () => {
    expect(read({ 'request-timeuot': '1s', paint: 'red' }).problems).toEqual([
      `${at('request-timeuot')}: There is no such annotation: use "evenkeel.dev/request-timeout"${UNTIL}`,
      `${at('paint')}: There is no such annotation: remove it${UNTIL}`,
    ]);
    // A Service has others of ours.
    expect(read({ 'address-pool': 'x' }, 'Service').problems).toEqual([]);
  });
});
