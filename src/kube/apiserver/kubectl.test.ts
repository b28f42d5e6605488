// kubectl's generators against the server: whatever format they send, the object is the one of their JSON.
// Knows kubectl's commands and the API; daily use on a whole cluster is tested in test/kubectl.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtinResources } from '#kube/api/resources.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { type Json, startTestApi, type TestApi } from './testing/api.ts';
import type { TestServer } from './testing.ts';

const GENERATORS: readonly string[] = [
  'create namespace other',
  'create deployment web --image=web --replicas=0 --port=8080',
  'create service clusterip cip --tcp=80:8080',
  'create service nodeport np --tcp=80:8080',
  'create service externalname en --external-name=example.com',
  'create configmap cm --from-literal=a=b',
  'create secret generic sec --from-literal=a=b',
  'create secret docker-registry reg --docker-server=x --docker-username=u --docker-password=p',
  'create role r --verb=get,list --resource=pods',
  'create clusterrole cr --verb=get --resource=nodes',
  'create rolebinding rb --role=r --user=bob',
  'create clusterrolebinding crb --clusterrole=cr --user=bob',
  'create job j --image=web -- true',
  'create ingress ing --rule=a.example/x*=web:80 --class=evenkeel',
  'create serviceaccount sa',
  'create priorityclass pc --value=10',
  'run p --image=web --port=8080 --env=A=B --restart=Never',
  // After whatever would have to fit into it.
  'create quota q --hard=pods=10,requests.cpu=1500m',
];
/** Of group versions that an old kubectl does not know yet. */
const LATER_GENERATORS: readonly string[] = [
  'create cronjob cj --image=web --schedule=*/5_*_*_*_*',
  'create poddisruptionbudget pdb --selector=app=web --min-available=1',
];

const directory = tempDir('kubectl-generators');
afterAll(() => directory.remove());

function writeKubeconfig(file: string, { url, caPem, adminToken }: TestServer): void {
  const ca = Buffer.from(caPem).toString('base64');
  const clusters = [{ name: 'c', cluster: { server: url, 'certificate-authority-data': ca } }];
  const users = [{ name: 'u', user: { token: adminToken } }];
  const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'default' } }];
  const config = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts, 'current-context': 'x' };
  writeFileSync(file, JSON.stringify(config));
}

/** Where the object of that text is created. */
function pathOf(object: Json): string {
  const { apiVersion, kind } = object;
  const found = builtinResources.find(
    ({ group, version, kind: each }) =>
      each === kind && (group === '' ? version : `${group}/${version}`) === apiVersion,
  );
  if (found === undefined) throw new Error(`${apiVersion} ${kind} is not served`);
  const root = found.group === '' ? `/api/${found.version}` : `/apis/${found.group}/${found.version}`;
  return `${root}${found.namespaced ? '/namespaces/default' : ''}/${found.resource}`;
}

/** Without what differs between any two creations. */
function comparable(object: Json): Json {
  const {
    uid: _,
    creationTimestamp: __,
    managedFields: ___,
    resourceVersion: ____,
    ...metadata
  } = object.metadata as Json;
  const spec = { ...(object.spec as Json | undefined) };
  if (object.kind === 'Service') {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    spec.ports = (spec.ports as Json[] | undefined)?.map(({ nodePort: _, ...port }) => port);
  }
  // Labels and selectors that the server makes hold the object's own uid, and a volume has a generated name.
  // What is used of a quota is written a moment later.
  const { status: counted, ...rest } = object;
  const whole = object.kind === 'ResourceQuota' || counted === undefined ? rest : object;
  const text = JSON.stringify({ ...whole, metadata, spec });
  const alike = text.replaceAll(String((object.metadata as Json).uid), 'UID');
  return JSON.parse(alike.replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-X')) as Json;
}

describe.each(['current', 'old'] as const)('kubectl (%s)', async (version) => {
  const found = await findKubectl(version);
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  let api: TestApi;
  let kubectl: Kubectl;
  beforeAll(async () => {
    api = await startTestApi();
    const home = join(directory.path, version);
    mkdirSync(home);
    writeKubeconfig(join(home, 'kubeconfig'), api.server);
    kubectl = kubectlFor(found.path, join(home, 'kubeconfig'), home);
  });
  afterAll(() => api.close());

  const generators = version === 'current' ? [...GENERATORS, ...LATER_GENERATORS] : GENERATORS;
  test.each(generators)('%s makes the object of its JSON', { timeout: 30_000 }, async (line) => {
    const args = line.split(' ').map((word) => word.replaceAll('_', ' '));
    const split = args.includes('--') ? args.indexOf('--') : args.length;
    const options = ['--dry-run=client', '-o', 'json'];
    const printed = JSON.parse(await kubectl([...args.slice(0, split), ...options, ...args.slice(split)])) as Json;
    const path = pathOf(printed);
    const expected = await api.ok('POST', `${path}?dryRun=All`, { body: printed });
    await kubectl(args);
    // Read by us: an old kubectl would print only the fields that it knows.
    const made = await api.ok('GET', `${path}/${(printed.metadata as Json).name}`);
    expect(comparable(made)).toEqual(comparable(expected));
  });
});
