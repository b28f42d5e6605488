// Any request before any routes: the explanation never throws, survives JSON, and names the route that the engine takes.
// The words are tested where people read them, in app/explain.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  Certificate,
  Listener,
  Route,
  RouteAction,
  RouteFilter,
  ServicePort,
  TrafficUpdate,
} from '#traffic/model/ir.ts';
import { createSnapshotBuilder, type Snapshot } from '#traffic/snapshot/index.ts';
import { defaultLimits } from '../http1/limits.ts';
import { parseRequestHead, RequestHead } from '../http1/request-head.ts';
import { cluster, endpoint, listener, service } from '../testing/model.ts';
import { explain } from './explain.ts';
import type { Explanation, Question } from './explanation.ts';
import { findArrival } from './find-listener.ts';

function snapshotOf(update: Omit<TrafficUpdate, 'version'>): Snapshot {
  const counters = { slot: () => 0, inFlight: () => 0, release: () => {} };
  return createSnapshotBuilder({ random: () => 0.5, counters }).apply({ version: 1, ...update });
}

const base: Question = {
  scheme: 'http',
  host: 'a.test',
  port: 80,
  target: '/',
  method: 'GET',
  headers: [],
  clientAddress: '192.0.2.1',
  listener: '',
};

function ask(
  snapshot: Snapshot,
  question: Partial<Question>,
  at: Listener = listener(),
  limits = defaultLimits,
): Explanation {
  const context = { snapshot, limits, now: 0, atRest: true, isTrusted: () => false };
  return explain({ ...base, ...question }, { type: 'listener', listener: at }, context);
}

const action: fc.Arbitrary<RouteAction> = fc.oneof(
  fc.record({
    type: fc.constant('forward' as const),
    clusters: fc.array(fc.record({ cluster: fc.constantFrom('app', 'empty', 'gone'), weight: fc.nat(3) }), {
      minLength: 1,
    }),
  }),
  fc.record({ type: fc.constant('respond' as const), status: fc.constantFrom(200, 503), reason: fc.constant('') }),
  fc.record({
    type: fc.constant('redirect' as const),
    redirect: fc.record({ status: fc.constantFrom(301 as const, 308 as const) }),
  }),
);
const path = fc.constantFrom('/', '/a', '/a/b', '/ab');
const route: fc.Arbitrary<Omit<Route, 'name' | 'metricName'>> = fc.record(
  {
    path: fc.record({ type: fc.constantFrom('exact' as const, 'prefix' as const, 'regex' as const), value: path }),
    method: fc.constantFrom('GET', 'POST'),
    headers: fc.constant([{ name: 'x-a', match: { type: 'exact' as const, value: '1' } }]),
    action,
  },
  { requiredKeys: ['path', 'action'] },
);
const question: fc.Arbitrary<Partial<Question>> = fc.record({
  target: fc.oneof(
    path,
    fc.webPath(),
    fc.string().map((text) => `/${text}`),
  ),
  method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
  headers: fc.array(
    fc.tuple(fc.constantFrom('x-a', 'X-A', 'host', 'content-length'), fc.constantFrom('1', 'a.test', '')),
  ),
});

describe('any request', () => {
  it('is explained as it is served', () => {
    fc.assert(
      fc.property(fc.array(route, { maxLength: 5 }), question, (routes, asked) => {
        const named = routes.map((one, index) => ({ ...one, name: `${index}`, metricName: '' }));
        const snapshot = snapshotOf({
          listeners: new Map([['http', listener()]]),
          virtualHosts: new Map([['a', { hostname: 'a.test', wildcard: 'any-labels', routes: named }]]),
          clusters: new Map([
            ['app', cluster('app')],
            ['empty', cluster('empty')],
          ]),
          endpoints: new Map([['app', [endpoint(1), endpoint(2)]]]),
        });
        const explanation = ask(snapshot, asked);
        expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
        expect(explanation.route?.name).toBe(served(snapshot, { ...base, ...asked }));
        const chances = explanation.backends.flatMap(({ endpoints }) => endpoints.map(({ chance }) => chance));
        for (const chance of chances) expect(chance).toBe(0.5);
      }),
      { numRuns: 500 },
    );
  });
});

/** The route that the engine takes; undefined when it refuses the head, or knows none. */
function served(snapshot: Snapshot, { method, target, headers }: Question): string | undefined {
  const host = headers.some(([name]) => name.toLowerCase() === 'host') ? '' : 'Host: a.test\r\n';
  const text = `${method} ${target} HTTP/1.1\r\n${host}${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const head = new RequestHead();
  if (parseRequestHead(text, 0, text.length, head, defaultLimits) !== undefined) return undefined;
  return snapshot.route('http', head.host, head.target, head)?.route.name;
}

describe('a request over TLS', () => {
  const secure = listener('https', 'https', 443);
  const certificate = (name: string, ...hostnames: string[]): [string, Certificate] => [
    name,
    { name, hostnames, certificateChainPem: '', privateKeyPem: { value: 'key', private: true }, fingerprint: name },
  ];
  const snapshot = snapshotOf({
    listeners: new Map([['https', secure]]),
    certificates: new Map([certificate('a', 'a.test', 'b.test'), certificate('c', 'c.test')]),
  });
  const over = (question: Partial<Question>): Explanation =>
    ask(snapshot, { scheme: 'https', port: 443, ...question }, secure);

  it('meets the certificate of its server name, and nothing of its key', () => {
    const explanation = over({});
    expect(explanation.certificate).toEqual({ name: 'a', hostnames: ['a.test', 'b.test'] });
    expect(JSON.stringify(explanation)).not.toContain('key');
  });

  it('fails where no certificate serves', () => {
    expect(over({ host: 'other.test' })).toMatchObject({
      verdict: 'unreachable',
      summary: 'No certificate serves "other.test": the TLS handshake fails',
    });
  });

  it('asks for no name where the URL has an address', () => {
    const summary = expect.stringContaining('no certificate serves these: the TLS handshake fails');
    for (const host of ['192.0.2.7', '[2001:db8::7]'])
      expect(over({ host })).toMatchObject({ verdict: 'unreachable', summary });
  });

  it('is refused when it asks for a host that the certificate does not speak for', () => {
    expect(over({ headers: [['Host', 'c.test']] })).toMatchObject({ verdict: 'rejected', status: 421 });
    expect(over({ headers: [['Host', 'b.test']] }).verdict).toBe('not_found');
  });
});

describe('a filter that answers', () => {
  const preflight: Partial<Question> = {
    method: 'OPTIONS',
    headers: [
      ['origin', 'https://a.test'],
      ['access-control-request-method', 'PUT'],
    ],
  };
  const filter = (...filters: RouteFilter[]): Snapshot =>
    snapshotOf({
      listeners: new Map([['http', listener()]]),
      virtualHosts: new Map([
        [
          'a',
          {
            hostname: 'a.test',
            wildcard: 'any-labels',
            routes: [
              {
                name: 'r',
                metricName: 'r',
                path: { type: 'prefix', value: '/' },
                filters,
                action: { type: 'forward', clusters: [{ cluster: 'app', weight: 1 }] },
              },
            ],
          },
        ],
      ]),
      clusters: new Map([['app', cluster('app')]]),
      endpoints: new Map([['app', [endpoint(1)]]]),
    });

  it('is told before anybody is asked', () => {
    const none = { allowMethods: [], allowHeaders: [], exposeHeaders: [], allowCredentials: false, maxAgeSeconds: 5 };
    const cors = filter({ type: 'cors', allowOrigins: ['*'], ...none });
    expect(ask(cors, preflight)).toMatchObject({
      verdict: 'answered',
      status: 200,
      summary: 'Filter "cors" answers 200',
    });
    expect(ask(cors, { method: 'OPTIONS' }).verdict).toBe('forwarded');
    const limited = filter({ type: 'body_limit', maxBytes: 5 });
    expect(ask(limited, { headers: [['content-length', '6']] })).toMatchObject({
      status: 413,
      summary: 'Filter "body_limit" answers 413: Body is too large',
    });
  });

  it('is that of the limit on bodies where the request would be held for its body', () => {
    const path = { type: 'regex' as const, pattern: '^/', substitution: '/..%2Fx' };
    const held = filter({ type: 'buffer_request', maxBytes: 100 }, { type: 'rewrite', path });
    const status = (length: number) =>
      ask(held, { headers: [['content-length', `${length}`]] }, listener(), { ...defaultLimits, body: 30 }).status;
    expect([30, 31].map(status)).toEqual([400, 413]);
  });

  it('is told cluster by cluster where the answers differ', () => {
    const path = { type: 'regex' as const, pattern: '^/', substitution: '/..%2Fx' };
    const mixed = snapshotOf({
      virtualHosts: new Map([
        [
          'a',
          {
            hostname: 'a.test',
            wildcard: 'any-labels',
            routes: [
              {
                name: 'r',
                metricName: 'r',
                path: { type: 'prefix', value: '/' },
                action: {
                  type: 'forward',
                  clusters: [
                    { cluster: 'app', weight: 1, filters: [{ type: 'rewrite', path }] },
                    { cluster: 'app', weight: 1, filters: [{ type: 'body_limit', maxBytes: 5 }] },
                  ],
                },
              },
            ],
          },
        ],
      ]),
      clusters: new Map([['app', cluster('app')]]),
      endpoints: new Map([['app', [endpoint(1)]]]),
    });
    const explanation = ask(mixed, { headers: [['content-length', '6']] });
    expect(explanation).toMatchObject({ verdict: 'unavailable' });
    expect(explanation.status).toBeUndefined();
    expect(explanation.backends.map(({ answer }) => answer?.status)).toEqual([400, 413]);
  });

  it('has settings that cannot be acted on, and breaks nothing', () => {
    const path = { type: 'regex' as const, pattern: '/', substitution: '\\1' };
    expect(ask(filter({ type: 'rewrite', path }), {})).toMatchObject({ verdict: 'answered', status: 500 });
  });
});

describe('a request to a Service', () => {
  const front = { name: 'mesh/shop/web:http', port: 80, groups: ['app'] };
  const web = service('shop/web:http', 'old', {
    port: 80,
    clusterIPs: ['10.96.0.7'],
    externalIPs: ['192.0.2.9'],
    front,
  });
  const model = {
    services: new Map([[web.name, web]]),
    virtualHosts: new Map(
      [front.name, `${front.name}/from/app`].map((name) => [
        name,
        { hostname: '*', wildcard: 'any-labels' as const, listeners: [name], routes: [hostRoute(name)] },
      ]),
    ),
    clusters: new Map(['old', 'new', 'own'].map((name) => [name, cluster(name)])),
    endpoints: new Map(['old', 'new', 'own'].map((name) => [name, [endpoint(80, `shop/${name}`)]])),
    clients: new Map([['app', ['10.244.0.9']]]),
  };
  function hostRoute(name: string): Route {
    const to = name === front.name ? 'new' : 'own';
    const path = { type: 'prefix', value: '/' } as const;
    return { name, metricName: name, path, action: { type: 'forward', clusters: [{ cluster: to, weight: 1 }] } };
  }
  const leads = (host: string, clientAddress = '10.244.0.1', at: ServicePort = web): string[] => {
    const snapshot = snapshotOf({ ...model, services: new Map([[at.name, at]]) });
    const question = { ...base, host, clientAddress };
    const arrival = findArrival(question, { services: snapshot.services, virtualHosts: model.virtualHosts }, []);
    if (arrival.type === 'none') return [arrival.summary];
    const context = { snapshot, limits: defaultLimits, now: 0, atRest: true, isTrusted: () => false };
    return explain(question, arrival, context).backends.map((backend) => backend.cluster);
  };

  it('meets its routes at the cluster IP and by its names, and those of the client first', () => {
    for (const host of ['10.96.0.7', 'web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local']) {
      expect(leads(host)).toEqual(['new']);
      expect(leads(host, '10.244.0.9')).toEqual(['own']);
    }
    expect(leads('web.other')).toEqual(['Nothing listens on port 80']);
  });

  it('goes straight to its endpoints from outside, and where only some clients have routes', () => {
    expect(leads('192.0.2.9')).toEqual(['old']);
    const carried = { ...web, front: { ...front, carried: true as const } };
    expect(leads('10.96.0.7', '10.244.0.1', carried)).toEqual(['old']);
    expect(leads('10.96.0.7', '10.244.0.9', carried)).toEqual(['own']);
  });
});
