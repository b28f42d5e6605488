// The configuration file: what it makes of the model, and what it says about every mistake at once.
// Reads no file of its own but the documentation, whose example must be true.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '#traffic/identity/authority.ts';
import { defaultPolicy } from '#traffic/model/cluster-defaults.ts';
import { defaultLimits } from '#traffic/proxy/http1/limits.ts';
import { formatProblem } from '../manifests/format.ts';
import { type GatewayConfig, parseConfig } from './config.ts';

const noFiles = (file: string): string => {
  throw new Error(`ENOENT: no such file "${file}"`);
};

function problemsOf(text: string, read = noFiles): string[] {
  const outcome = parseConfig(text, 'gateway.yaml', read);
  return 'problems' in outcome ? outcome.problems.map(formatProblem) : [];
}

function configOf(text: string, read = noFiles): GatewayConfig {
  const outcome = parseConfig(text, 'gateway.yaml', read);
  if ('problems' in outcome) throw new Error(outcome.problems.map(formatProblem).join('\n'));
  return outcome.config;
}

const SMALL = `listeners:
  web: { port: 8080 }
virtualHosts:
  all: { hostname: '*', routes: [{ path: /, action: app }] }
clusters:
  app: { endpoints: ['127.0.0.1:3000'] }
`;

/** The small file with one text replaced. */
const changed = (from: string, to: string): string => {
  expect(SMALL).toContain(from);
  return SMALL.replace(from, to);
};

describe('a small file', () => {
  it('means what the model says, with every default filled in', () => {
    const { listeners, virtualHosts, clusters, endpoints } = configOf(SMALL).model;
    expect(listeners.get('web')).toEqual({ name: 'web', address: '', port: 8080, protocol: 'http' });
    expect(virtualHosts.get('all')).toEqual({
      hostname: '*',
      wildcard: 'any-labels',
      routes: [
        {
          name: 'all/0',
          metricName: 'all/0',
          path: { type: 'prefix', value: '/' },
          action: { type: 'forward', clusters: [{ cluster: 'app', weight: 1 }] },
        },
      ],
    });
    expect(clusters.get('app')).toEqual({
      name: 'app',
      policy: defaultPolicy,
      upstreamProtocol: 'http1',
      timeouts: { connect: 5_000, response: 60_000, idle: 60_000 },
      retry: { attempts: 1 },
    });
    expect(endpoints.get('app')).toEqual([
      {
        address: '127.0.0.1',
        port: 3000,
        weight: 1,
        pod: '',
        node: '',
        zone: '',
        ready: true,
        serving: true,
        terminating: false,
      },
    ]);
  });
});

describe('a mistake', () => {
  it.each([
    [
      'port: 8080',
      'port: 80800',
      '2:10: Field "listeners.web.port" is the number 80800, not a port from 0 to 65535. Write e.g. 8080; 0 takes a free one.',
    ],
    ['port: 8080', 'prot: 8080', '2:10: Field "listeners.web.prot" does not exist. Did you mean "port"?'],
    [
      'port: 8080',
      'port: 1, address: localhost',
      '2:19: Field "listeners.web.address" is the string "localhost": only IP addresses are taken. Write 127.0.0.1 or ::1.',
    ],
    ['clusters:\n', 'cluster:\n', '5:1: Field "cluster" does not exist. Did you mean "clusters"?'],
    ['action: app', 'action: ap', '4:45: Cluster "ap" does not exist. Did you mean "app"?'],
    [
      'path: /,',
      'path: api,',
      '4:36: Field "virtualHosts.all.routes[0].path" is the string "api", not a path. Write one that begins with a slash, e.g. /api.',
    ],
    [
      'path: /,',
      'path: {type: regex, value: "a(b"},',
      '4:56: Field "virtualHosts.all.routes[0].path.value" is the string "a(b": missing closing ): `a(b`. Write it in the syntax of RE2.',
    ],
    [
      'path: /,',
      'method: get,',
      '4:36: Field "virtualHosts.all.routes[0].method" is the string "get": methods are case-sensitive. Write GET.',
    ],
    [
      'path: /,',
      'filters: [{type: rewite}],',
      '4:47: Field "virtualHosts.all.routes[0].filters[0].type" is the string "rewite": there is no such choice. Did you mean "rewrite"?',
    ],
    [
      "hostname: '*'",
      "hostname: 'a.test:80'",
      '4:10: Field "virtualHosts.all.hostname" is the string "a.test:80": a hostname has no port. Write a.test; the port is the listener\'s.',
    ],
    [
      "hostname: '*'",
      "hostname: 'a b'",
      '4:10: Field "virtualHosts.all.hostname" is the string "a b", not a hostname. Write e.g. shop.example.com, "*.example.com" or "*".',
    ],
    [
      'path: /,',
      'path: /a/../b//c,',
      '4:36: Field "virtualHosts.all.routes[0].path" is the string "/a/../b//c": requests never have empty, "." or ".." segments. Write /b/c.',
    ],
    [
      'path: /,',
      'path: {type: exact, value: "/a/..;/b"},',
      'is the string "/a/..;/b": no request has such a path. Remove the route.',
    ],
    ['path: /,', 'filters: [{type: mirror, cluster: ap}],', 'Cluster "ap" does not exist. Did you mean "app"?'],
    [
      '{ path: /, action: app }] }\nclusters:',
      '{ path: /, filters: [{type: mirror, cluster: db}], action: app }] }\nclusters:\n  db: { upstreamProtocol: tcp, endpoints: [] }',
      'Cluster "db" speaks tcp, which does not fit here. Set "upstreamProtocol" of the cluster to http1 or http2.',
    ],
    [
      'path: /, action: app',
      'path: /, filters: [{type: compression}], action: {type: respond, status: 200, body: a}',
      'Route "all/0" answers by itself: a filter of type compression has nothing to act on there. Remove it.',
    ],
    [
      'app: {',
      'app: { affinity: {type: cookie, name: s, sameSite: None, secure: false},',
      'browsers throw a cookie with "sameSite: None" away that is not secure. Remove it, or use "sameSite: Lax".',
    ],
    [
      "'127.0.0.1:3000'",
      "'db.local:3000'",
      '6:22: Field "clusters.app.endpoints[0]" is the string "db.local:3000": only IP addresses are taken, names are not resolved. Write its address: "getent hosts db.local" shows it.',
    ],
    [
      "'127.0.0.1:3000'",
      "'127.0.0.1:3000', '127.0.0.1:3000'",
      '6:40: Endpoint 127.0.0.1:3000 stands at place 0 of the list already. Give one of them the weight of both.',
    ],
    [
      'app: {',
      'app: { timeouts: {connect: 5},',
      '6:21: Field "clusters.app.timeouts.connect" is the number 5: it has no unit. Write 5s or 5ms.',
    ],
    [
      'app: {',
      'app: { policy: least_requests,',
      '6:10: Field "clusters.app.policy" is the string "least_requests": there is no policy "least_requests". Did you mean "least_request"?',
    ],
    [
      'app: {',
      'app: { policy: {type: least_request, choices: 1},',
      '6:10: Field "clusters.app.policy": Setting "choices" of balancing policy "least_request" is "1". Use 0 for all targets, or 2 or more.',
    ],
    [
      'app: {',
      'app: { upstreamProtocol: tcp,',
      '4:45: Cluster "app" speaks tcp, which does not fit here. Set "upstreamProtocol" of the cluster to http1 or http2.',
    ],
    [
      'port: 8080',
      'port: 8080, proxyProtocolFrom: [10.0.0.0/33]',
      '2:42: Field "listeners.web.proxyProtocolFrom[0]" is the string "10.0.0.0/33", not an address or a range (CIDR). Write e.g. 10.0.0.0/8.',
    ],
    [
      'port: 8080',
      'port: 8080, protocol: tcp',
      '2:3: Listener "web" of protocol tcp leads nowhere. Add "clusters: [name]".',
    ],
    [
      'port: 8080',
      'port: 8080, protocol: https',
      '2:22: Listener "web" of protocol https has no certificate to show. Add "certificates: { name: { certificateFile: FILE, keyFile: FILE } }".',
    ],
    [
      'web: { port: 8080 }',
      'web: { port: 8080 }\n  two: { port: 8080 }',
      '3:10: Port 8080 is the one of listener "web" already. Give one of the two another port.',
    ],
    [
      'web: { port: 8080 }',
      'web: { port: 8080 }\n  web: { port: 1 }',
      '3:3: Document is not valid YAML: Map keys must be unique. Remove one of the two.',
    ],
    [
      'action: app',
      'action: {type: forward, clusters: [{cluster: app, weight: 0}]}',
      'Every weight is 0: no request could go anywhere. Give at least one cluster a weight.',
    ],
    [
      'action: app',
      'filters: [{type: cors, allowOrigins: ["*"]}, {type: cors, allowOrigins: ["*"]}], action: app',
      'Route "all/0" has a second filter of type cors. Keep one of the two.',
    ],
    [
      'path: /,',
      'filters: [{type: request_headers, add: [{name: Host, value: x}]}],',
      'Field "virtualHosts.all.routes[0].filters[0].add" is not possible: header "Host" cannot be edited this way. A request has exactly one Host; set it, or use a rewrite of the hostname.',
    ],
    [
      'path: /,',
      'filters: [{type: response_headers, remove: [content-length]}],',
      'is not possible: header "content-length" of a response is written by the proxy itself. It cannot be edited.',
    ],
    [
      'clusters:\n  app: {',
      'clusters:\n  app: { affinity: {type: cookie, name: sid, path: "/a;b"},',
      'cannot be sent. Path "/a;b" of cookie "sid" is not valid: begin with "/"',
    ],
    [
      'path: /, action: app',
      'path: {type: exact, value: /a}, filters: [{type: rewrite, path: {type: prefix, value: /b}}], action: app',
      'is matched by exact: there is no prefix to replace.',
    ],
    [
      '{ path: /, action: app }',
      '{ name: x, action: app }, { name: x, action: app }',
      'Name "x" is the one of virtualHosts.all.routes[0] already.',
    ],
  ])('%s as %s', (from, to, expected) => {
    const problems = problemsOf(changed(from, to));
    expect(
      problems.some((problem) => problem.includes(expected)),
      problems.join('\n'),
    ).toBe(true);
  });

  it('does not hide the next: all are told, in the order of the file', () => {
    const problems = problemsOf(`listeners:
  web: { port: x, protocl: http }
virtualHosts:
  all: { hostname: '*', routes: [{ path: a, action: b }, { path: /, action: c }] }
  ok: { hostname: 'a.test', routes: [{ action: gone }] }
clusters:
  b: { endpoints: [1] }
`);
    const places = problems.map((problem) => problem.split(':').slice(1, 3).join(':'));
    expect(places).toEqual(['2:10', '2:19', '4:36', '4:69', '5:40', '7:20']);
  });

  it.each([
    ['', 'The file is empty'],
    ['[]', 'The file is a list, not an object'],
    ['listeners: []', 'Field "listeners" is a list, not an object'],
    ['clusters: {}', 'The file has no listeners: nothing would be served'],
    ['limits: 5', 'Field "limits" is the number 5, not an object'],
    ['limits: {haed: 1KiB}', 'Field "limits.haed" does not exist. Did you mean "head"?'],
    ['limits: {idleTimeout: 0}', 'Field "limits.idleTimeout" is 0: a client could hold a connection for ever'],
    ['limits: {head: 2MiB}', 'Field "limits.head" is more than 1048576 bytes'],
    ['x'.repeat(1_000), `The file is the string "${'x'.repeat(199)}...", not an object`],
    ['a: 1\n---\nb: 2', '2:1: A second document begins here, and the file is one. Put everything into one document'],
    ['a: *b', 'No anchor "&b" stands before this alias'],
  ])('as large as the whole file: %j', (text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected);
  });

  it('in a certificate names the file and never what is in a key', async () => {
    const { server, other } = await pairs();
    const files: Record<string, string> = {
      'server.crt': server.certPem,
      'server.key': server.keyPem,
      'other.key': other.keyPem,
    };
    const read = (file: string): string => files[file] ?? noFiles(file);
    const withPair = (certificateFile: string, keyFile: string): string =>
      `${SMALL}certificates:\n  shop: { certificateFile: ${certificateFile}, keyFile: ${keyFile} }\n`;
    expect(configOf(withPair('server.crt', 'server.key'), read).model.certificates.get('shop')?.hostnames).toEqual([
      'shop.test',
    ]);
    expect(problemsOf(withPair('server.crt', 'other.key'), read)).toEqual([
      'gateway.yaml:8:40: File "other.key" is the key of another certificate. Name the PEM file with the private key of this certificate.',
    ]);
    expect(problemsOf(withPair('server.key', 'server.key'), read).join('\n')).toContain(
      'File "server.key" holds no PEM certificate',
    );
    expect(problemsOf(withPair('gone.crt', 'server.key'), read).join('\n')).toContain('Cannot read "gone.crt"');
    const shown = JSON.stringify([...configOf(withPair('server.crt', 'server.key'), read).model.certificates]);
    expect(shown).toContain('[redacted]');
    expect(shown).not.toContain('PRIVATE KEY');
  });
});

async function pairs() {
  const authority = await createAuthority({ commonName: 'test' });
  const request = { commonName: 'shop', dnsNames: ['shop.test'] };
  return { authority, server: await authority.issue(request), other: await authority.issue(request) };
}

it('credentials and every header go together: the engine tells browsers the ones that they ask for', () => {
  const cors = 'filters: [{type: cors, allowOrigins: ["*"], allowCredentials: true, allowHeaders: ["*"]}],';
  expect(problemsOf(changed('path: /,', cors))).toEqual([]);
});

describe('the example of the documentation', () => {
  let config: GatewayConfig;
  const doc = readFileSync(new URL('../../../docs/gateway-config.md', import.meta.url), 'utf8');
  const example = /```yaml\n(.*?)```/s.exec(doc)?.[1] ?? '';

  beforeAll(async () => {
    const { authority, server } = await pairs();
    config = configOf(example, (file) =>
      file === 'certs/affinity.key'
        ? 'sixteen-or-more-random-characters\n'
        : file.endsWith('.key')
          ? server.keyPem
          : file.endsWith('ca.crt')
            ? authority.certPem
            : server.certPem,
    );
  });

  it('is valid, and says what its comments say', () => {
    const { listeners, virtualHosts, clusters, certificates, endpoints } = config.model;
    expect([...listeners.keys()]).toEqual(['web', 'secure', 'database', 'names', 'passed-on']);
    expect(certificates.get('default')?.hostnames).toEqual([]);
    const routes = virtualHosts.get('shop')?.routes ?? [];
    expect(routes[0]).toMatchObject({
      headers: [
        { name: 'x-canary', match: { type: 'exact', value: 'yes' } },
        { name: 'x-client', match: { type: 'regex', value: 'ios|android' } },
      ],
      query: [{ name: 'debug', match: { type: 'present' } }],
      action: { type: 'forward', clusters: [{ cluster: 'canary', weight: 1 }] },
    });
    expect(routes[1]).toMatchObject({
      timeouts: { request: 15_000, perTry: 4_000 },
      retry: { backoff: { baseMs: 25, maxMs: 250 }, on: expect.arrayContaining(['timeout']) },
    });
    expect(routes[4]?.filters?.map(({ type }) => type)).toHaveLength(9);
    expect(clusters.get('app')).toMatchObject({
      slowStart: { windowMs: 30_000 },
      affinity: { maxAgeSeconds: 3600, key: { value: 'sixteen-or-more-random-characters' } },
      timeouts: { drain: 300_000 },
      outlierDetection: { latencyMinimumMs: 100 },
    });
    expect(clusters.get('canary')?.tls).toMatchObject({ serverName: 'canary.internal' });
    expect(endpoints.get('canary')?.[1]).toMatchObject({ address: 'fd00::7', port: 8443 });
    expect(endpoints.get('app')?.[1]).toMatchObject({ ready: false, serving: true, terminating: true });
    expect(config.files).toContain('certs/shop.key');
    // What its comment calls the defaults are the defaults.
    const { body, ...others } = config.limits;
    expect({ ...others, body: 0 }).toEqual(defaultLimits);
    expect(body).toBe(2 ** 30);
  });
});
