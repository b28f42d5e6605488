// What is said about requests, from configurations alone: every verdict, with its reasons, as a person reads it.
import { describe, expect, it } from 'vitest';
import type { Explanation } from '#traffic/proxy/explain/explanation.ts';
import { parseConfig } from '../gateway/config.ts';
import { formatExplanation } from './format.ts';
import { explainModel } from './from-config.ts';
import { type Asked, questionOf } from './question.ts';

const CONFIG = `listeners:
  web: { address: 127.0.0.1, port: 8080 }
  inside: { port: 8081 }
  db: { port: 5432, protocol: tcp, clusters: [db] }
  pass: { port: 9443, protocol: tls, passthrough: [{ hostnames: [a.test], clusters: [db] }] }
virtualHosts:
  shop:
    hostname: shop.test
    listeners: [web]
    routes:
      - { name: canary, path: /api, headers: { x-canary: 'yes' }, query: { v: { type: regex, value: '[12]' } }, action: canary }
      - name: split
        path: /api
        action: { type: forward, clusters: [{ cluster: app, weight: 9 }, { cluster: canary, weight: 1 }] }
      - { name: post, path: /form, method: POST, action: app }
      - { name: users, path: { type: regex, value: '/users/[0-9]+' }, action: app }
      - { name: moved, path: /old, action: { type: redirect, redirect: { status: 301, scheme: https, hostname: new.test } } }
      - { name: health, path: { type: exact, value: /healthz }, action: { type: respond, status: 200, reason: ok } }
      - { name: down, path: /down, action: empty }
      - { name: half, path: /half, action: { type: forward, clusters: [{ cluster: app, weight: 3 }, { cluster: empty, weight: 1 }] } }
      - { name: sticky, path: /sticky, action: sticky }
      - name: filtered
        path: /filtered
        filters:
          - { type: response_headers, set: [{ name: x-key, value: secret }] }
          - { type: rewrite, hostname: inner.test, path: { type: prefix, value: /in } }
          - { type: body_limit, maxBytes: 1KiB }
        action: { type: forward, clusters: [{ cluster: app, filters: [{ type: body_limit, maxBytes: 10 }] }] }
      - { name: loyal, path: /loyal, action: loyal }
clusters:
  loyal:
    policy: round_robin
    affinity: { type: cookie, name: sid, mode: balanced }
    endpoints: [10.0.4.1:80, 10.0.4.2:80]
  app:
    policy: weighted_round_robin
    endpoints:
      - { address: 10.0.0.1, port: 80, weight: 3 }
      - 10.0.0.2:80
      - { address: 10.0.0.3, port: 80, ready: false }
      - { address: 10.0.0.4, port: 80, terminating: true }
  canary: { policy: least_request, endpoints: [10.0.1.1:80] }
  empty: { endpoints: [] }
  sticky: { policy: maglev, hash: { type: cookie, name: shop }, endpoints: [10.0.2.1:80, 10.0.2.2:80, 10.0.2.3:80] }
  db: { upstreamProtocol: tcp, endpoints: [10.0.3.1:5432] }
`;

function explained(url: string, more: Partial<Asked> = {}): Explanation {
  const outcome = parseConfig(CONFIG, 'gateway.yaml', () => '');
  if ('problems' in outcome) throw new Error(JSON.stringify(outcome.problems));
  return explainModel(outcome.config.model, questionOf({ url, ...more }));
}

const shop = 'http://shop.test:8080';

describe('the verdict', () => {
  it.each<[string, Partial<Asked>, Partial<Explanation>]>([
    [`${shop}/api`, {}, { verdict: 'forwarded', summary: 'Goes to clusters "app", "canary"' }],
    [`${shop}/users/7`, {}, { verdict: 'forwarded', summary: 'Goes to cluster "app"' }],
    [`${shop}/old/x`, {}, { verdict: 'redirected', status: 301, location: 'https://new.test/old/x' }],
    [`${shop}/healthz`, {}, { verdict: 'answered', status: 200, summary: 'Route "health" answers 200 by itself: ok' }],
    [
      `${shop}/down`,
      {},
      { verdict: 'unavailable', status: 503, summary: 'Nobody can take it: "empty": it has no endpoints: 503' },
    ],
    [`${shop}/half`, {}, { summary: 'Goes to clusters "app", "empty"; 25% of requests fail in "empty"' }],
    [
      `${shop}/nothing`,
      {},
      { verdict: 'not_found', status: 404, summary: 'No route of virtual host "shop" takes it: 404' },
    ],
    [`${shop}/form`, {}, { verdict: 'not_found', status: 404 }],
    [`${shop}/form`, { method: 'POST' }, { verdict: 'forwarded' }],
    [
      'http://other.test:8080/',
      {},
      { verdict: 'not_found', summary: 'No virtual host on listener "web" takes the host "other.test": 404' },
    ],
    [
      'http://shop.test:8081/api',
      {},
      { verdict: 'not_found', summary: 'No virtual host on listener "inside" takes the host "shop.test": 404' },
    ],
    ['http://127.0.0.1:8080/api', { headers: ['Host: SHOP.test'] }, { verdict: 'forwarded' }],
    ['http://shop.test/api', {}, { verdict: 'unreachable', summary: 'Nothing listens on port 80' }],
    ['http://shop.test/api', { listener: 'web' }, { verdict: 'forwarded' }],
    ['http://shop.test/api', { listener: 'wep' }, { verdict: 'unreachable', summary: 'There is no listener "wep"' }],
    [
      'https://shop.test:8080/',
      {},
      { verdict: 'unreachable', summary: 'Listener "web" speaks plain HTTP: a TLS handshake fails there' },
    ],
    [`${shop}/a%00b`, {}, { verdict: 'rejected', status: 400, summary: 'Refused with 400: Path holds a NUL' }],
    [
      `${shop}/api`,
      { headers: ['Host: a', 'Host: b'] },
      { verdict: 'rejected', summary: 'Refused with 400: Host header is repeated' },
    ],
    [
      'http://10.9.9.9:5432/',
      {},
      {
        verdict: 'forwarded',
        summary: 'Bytes are passed on as they come, tcp, without a look inside, to cluster "db"',
      },
    ],
    ['https://a.test:9443/', {}, { verdict: 'forwarded' }],
    [
      'https://b.test:9443/',
      {},
      { verdict: 'unreachable', summary: 'Listener "pass" passes no connection on for "b.test": it is closed' },
    ],
  ])('of %s %j', (url, more, expected) => {
    expect(explained(url, more)).toMatchObject(expected);
  });
});

describe('the reasons', () => {
  it('say why a route won, and what the others wanted', () => {
    const { route, others } = explained(`${shop}/api?v=1`, { headers: ['x-canary: yes'] });
    expect(route).toMatchObject({
      name: 'canary',
      matches: ['path prefix "/api"', 'header x-canary is "yes"', `parameter v is like '[12]'`],
      wonOver: { name: 'split', because: 'its match asks for more headers' },
    });
    expect(others[0]).toMatchObject({
      name: 'split',
      because: '"canary" comes first: its match asks for more headers',
    });
  });

  it('name every condition that was not met, the nearest route first', () => {
    const { others } = explained(`${shop}/api?v=3`);
    expect(others[0]).toMatchObject({
      name: 'canary',
      because: `header x-canary is missing, parameter v is "3", not like '[12]'`,
    });
    expect(explained(`${shop}/form`).others[0]).toMatchObject({
      name: 'post',
      because: 'the method is "GET", not "POST"',
    });
  });

  it('name routes of paths that begin alike when none was found', () => {
    expect(explained(`${shop}/healthy`).others[0]).toMatchObject({
      name: 'health',
      because: 'the path is not "/healthz"',
    });
  });
});

it('filters stand in the order in which they run, with what they make of the request, and without values', () => {
  const explanation = explained(`${shop}/filtered/x?y=z`);
  expect(explanation.backends[0]).toMatchObject({
    filters: ['body limit: 10 bytes', 'rewrite: host to inner.test, prefix /in', 'response headers: set x-key'],
    sentAs: { host: 'inner.test', path: '/in/x?y=z' },
  });
  expect(JSON.stringify(explanation)).not.toContain('secret');
  expect(formatExplanation(explanation)).toContain(`Filters       1. body limit: 10 bytes
              2. rewrite: host to inner.test, prefix /in
              3. response headers: set x-key
Sent as       /in/x?y=z, Host: inner.test`);
});

describe('the endpoints', () => {
  it('have their state, their weight and their chance', () => {
    const [backend] = explained(`${shop}/users/7`).backends;
    expect(backend?.endpoints.map(({ key, state, weight, chance }) => [key, state, weight, chance])).toEqual([
      ['10.0.0.1:80', 'healthy', 3, 0.75],
      ['10.0.0.2:80', 'healthy', 1, 0.25],
      ['10.0.0.3:80', 'not_ready', 1, 0],
      ['10.0.0.4:80', 'leaving', 1, 0],
    ]);
  });

  it('are one for a client whose key is hashed', () => {
    const chances = (cookie: string) =>
      explained(`${shop}/sticky`, { headers: [`Cookie: shop=${cookie}`] }).backends[0]?.endpoints.map(
        ({ chance }) => chance,
      );
    expect([...(chances('ann') ?? [])].sort()).toEqual([0, 0, 1]);
    expect(chances('ann')).toEqual(chances('ann'));
    expect(new Set(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((one) => `${chances(one)}`)).size).toBeGreaterThan(1);
  });
});

describe('affinity', () => {
  it('leaves a new client to the policy', () => {
    const explanation = explained(`${shop}/loyal`);
    expect(explanation.backends[0]).toMatchObject({ affinity: { by: 'cookie "sid" (balanced)' } });
    expect(explanation.backends[0]?.endpoints.map(({ chance }) => chance)).toEqual([0.5, 0.5]);
    expect(formatExplanation(explanation)).toContain(
      'Affinity      by cookie "sid" (balanced): a new client, placed by the policy',
    );
  });

  it('keeps one that has a cookie where it is', () => {
    const ask = (value: string) => explained(`${shop}/loyal`, { headers: [`Cookie: sid=${value}`] }).backends[0];
    const [first, again] = [ask('ann'), ask('ann')];
    expect(first?.endpoints.map(({ chance }) => chance).sort()).toEqual([0, 1]);
    expect(first?.affinity?.endpoint).toBe(first?.endpoints.find(({ chance }) => chance === 1)?.key);
    expect(again).toEqual(first);
    expect(new Set(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((one) => ask(one)?.affinity?.endpoint)).size).toBe(2);
  });
});

it('as text, is the way of the request from top to bottom', () => {
  expect(formatExplanation(explained(`${shop}/api/%7Eann`))).toBe(`GET http://shop.test:8080/api/~ann

Goes to clusters "app", "canary".

Listener      web  http 127.0.0.1:8080
Virtual host  shop  shop.test
Route         split  path prefix "/api"

Cluster       app  90.0% of requests, weighted_round_robin

  ENDPOINT      POD   STATE       WEIGHT   CHANCE
  10.0.0.1:80   -     healthy     3        75.0%
  10.0.0.2:80   -     healthy     1        25.0%
  10.0.0.3:80   -     not ready   1        0.0%
  10.0.0.4:80   -     leaving     1        0.0%

Cluster       canary  10.0% of requests, least_request (choices 2)

  ENDPOINT      POD   STATE     WEIGHT   CHANCE
  10.0.1.1:80   -     healthy   1        100.0%

OTHER ROUTES   MATCH                                                                      NOT TAKEN, BECAUSE
canary         path prefix "/api", header x-canary is "yes", parameter v is like '[12]'   header x-canary is missing, parameter v is missing
`);
});
