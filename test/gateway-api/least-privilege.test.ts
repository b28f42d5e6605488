// A gateway with a ServiceAccount that has the published permissions: it serves, and reads no Secret but those it is let.
// Knows the CLI from the outside; the API server enforces RBAC and keeps an audit log, which says what was asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { type Authority, createAuthority } from '#traffic/identity/authority.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { ownNumber } from '../support/own-number.ts';
import { evenkeelBinary, mustRun, type Running, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { type HttpApp, httpApp } from './http-app.ts';
import { answers, conditionOf, gateway, httpRoute, secret, serviceOf } from './kit.ts';

const root = join(import.meta.dirname, '../..');
const net = `127.174.${ownNumber()}`;
let data: TempDir;
let api: Running;
let copy: Running | undefined;
let client: Client;
let app: HttpApp;
let authority: Authority;
let admin: string;
let audit: string;

const says = (running: Running, text: string): Promise<void> =>
  eventually(`"${text}" is said`, async () => {
    const { stdout, stderr } = running.output();
    if (!stdout.includes(text)) throw new Error(`${stdout}\n${stderr}`);
  });
const apply = (input: string): Promise<string> =>
  mustRun(evenkeelBinary, ['apply', '-', '--kubeconfig', admin], { input });
const https = (name: string, port: number, host: string, ref: string): string =>
  `{ name: ${name}, protocol: HTTPS, port: ${port}, hostname: ${host}, tls: { certificateRefs: [{ ${ref} }] } }`;

/** Lets the gateway have one Secret, as the page says. */
const lets = (namespace: string, name: string): string => `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: gateway-${name}, namespace: ${namespace} }
rules: [{ apiGroups: [""], resources: [secrets], resourceNames: [${name}], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: gateway-${name}, namespace: ${namespace} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: gateway-${name} }
subjects: [{ kind: ServiceAccount, name: evenkeel-gateway, namespace: evenkeel-system }]
`;

/** What the gateway asked for and was refused, apart from Secrets. */
function refused(): string[] {
  return readFileSync(audit, 'utf8')
    .split('\n')
    .filter((line) => line.includes('evenkeel-gateway') && !line.includes('"resource":"secrets"'))
    .map((line) => JSON.parse(line))
    .filter(({ responseStatus }) => responseStatus?.code === 403)
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

/** `VERB NAMESPACE NAME STATUS` of every request for Secrets by the gateway. */
function secretsAskedFor(): string[] {
  return readFileSync(audit, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"resource":"secrets"') && line.includes('evenkeel-gateway'))
    .map((line) => JSON.parse(line))
    .map(({ verb, objectRef, responseStatus, requestURI }) => {
      const name = objectRef.name ?? /metadata\.name(?:%3D|=)([\w.-]+)/i.exec(requestURI)?.[1] ?? '*';
      return `${verb} ${objectRef.namespace ?? '*'} ${name} ${responseStatus?.code}`;
    });
}

async function listenerTells(name: string): Promise<string> {
  const { status } = await client.get<Gateway>(gatewayResource('Gateway'), 'shop', 'default');
  const condition = conditionOf(status?.listeners?.find((one) => one.name === name)?.conditions, 'ResolvedRefs');
  return `${condition?.status} ${condition?.reason}: ${condition?.message}`;
}

beforeAll(async () => {
  data = tempDir('least-privilege');
  audit = join(data.path, 'audit.log');
  const policy = join(data.path, 'audit-policy.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n');
  [app, authority] = await Promise.all([httpApp('a'), createAuthority({ commonName: 'Root' })]);
  const pair = await authority.issue({
    commonName: 'a',
    dnsNames: ['own.example', 'far.example', 'shut.example', 'late.example'],
  });
  api = start(evenkeelBinary, [
    ...['apiserver', '--controllers', '--data', data.path, '--api-port', '0'],
    ...['--audit-log-path', audit, '--audit-policy-file', policy],
  ]);
  await says(api, 'export KUBECONFIG=');
  admin = join(data.path, 'kubeconfig');
  client = createClient(loadKubeconfig(admin));
  await apply(await mustRun(evenkeelBinary, ['crds']));
  await apply(readFileSync(join(root, 'deploy/gateway/rbac.yaml'), 'utf8'));
  await apply(`
apiVersion: evenkeel.dev/v1alpha1
kind: AddressPool
metadata: { name: gateways }
spec: { addresses: ["${net}.1-${net}.9"] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: evenkeel }
spec: { controllerName: evenkeel.dev/gateway-controller }
---
apiVersion: v1
kind: Namespace
metadata: { name: certs }
${secret('own', pair)}${secret('late', pair)}${secret('unrelated', pair)}${secret('far', pair, 'certs')}${secret('shut', pair, 'certs')}${lets('default', 'own')}${lets('certs', 'far')}${lets('certs', 'shut')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: far, namespace: certs }
spec: { from: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: default }], to: [{ group: "", kind: Secret, name: far }] }
${serviceOf('web', app.port)}${gateway(
  'shop',
  [
    '{ name: http, protocol: HTTP, port: 8080 }',
    https('own', 8443, 'own.example', 'name: own'),
    https('far', 8443, 'far.example', 'name: far, namespace: certs'),
    https('shut', 8443, 'shut.example', 'name: shut, namespace: certs'),
    https('late', 8443, 'late.example', 'name: late'),
  ].join(', '),
)}${httpRoute('web', '{ name: shop }', '[{ backendRefs: [{ name: web, port: 80 }] }]')}`);
  const { status } = (await client.raw(
    'POST',
    '/api/v1/namespaces/evenkeel-system/serviceaccounts/evenkeel-gateway/token',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    },
  )) as { status: { token: string } };
  const { server, caPem = '' } = loadKubeconfig(admin);
  const own = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': btoa(caPem) } }],
    users: [{ name: 'u', user: { token: status.token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  const kubeconfig = join(data.path, 'gateway.kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(own));
  copy = start(evenkeelBinary, ['gateway', '--kubeconfig', kubeconfig, '--admin-port', '0', '--workers', '1']);
  await says(copy, 'Serving Gateways.');
}, 120_000);

afterAll(async () => {
  copy?.child.kill('SIGTERM');
  await copy?.finished;
  await client?.close();
  api?.child.kill('SIGINT');
  await api?.finished;
  app?.close();
  data?.remove();
}, 60_000);

test('it serves by the permissions that are published, certificates that it is let have among them', async () => {
  await answers(`http://${net}.1:8080/`, 200);
  const url = `https://${net}.1:8443/`;
  await answers(url, 200, { host: 'own.example', ca: authority.certPem });
  await answers(url, 200, { host: 'far.example', ca: authority.certPem });
  expect(refused()).toEqual([]);
}, 60_000);

test('a Secret without a grant is not asked for, though the account might read it; others never are', async () => {
  await eventually('it is told', async () => expect(await listenerTells('shut')).toMatch(/^False RefNotPermitted/));
  await expect(ask(`https://${net}.1:8443/`, { host: 'shut.example', ca: authority.certPem })).rejects.toThrow();
  const asked = secretsAskedFor();
  expect(asked).toContain('get default own 200');
  expect(asked).toContain('get certs far 200');
  expect(asked.filter((line) => / (shut|unrelated|\*) /.test(line))).toEqual([]);
}, 60_000);

test('a Secret that it may not read is told, and had as soon as it may', async () => {
  await eventually('it is told', async () =>
    expect(await listenerTells('late')).toMatch(
      /^False InvalidCertificateRef: .*Secret "default\/late" may not be read/,
    ),
  );
  await apply(lets('default', 'late').slice(5));
  await answers(`https://${net}.1:8443/`, 200, { host: 'late.example', ca: authority.certPem });
  expect(await listenerTells('late')).toMatch(/^True/);
}, 90_000);

test('one that changes is followed, and one that nobody refers to any more is not watched', async () => {
  const next = await authority.issue({ commonName: 'b', dnsNames: ['own.example', 'new.example'] });
  await apply(secret('own', next).slice(5));
  await apply(httpRoute('web', '{ name: shop }', '[{ backendRefs: [{ name: web, port: 80 }] }]').slice(5));
  await apply(
    gateway(
      'shop',
      `{ name: http, protocol: HTTP, port: 8080 }, ${https('own', 8443, 'new.example', 'name: own')}`,
    ).slice(5),
  );
  await answers(`https://${net}.1:8443/`, 200, { host: 'new.example', ca: authority.certPem });
}, 60_000);
