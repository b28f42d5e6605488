// Who may do what, through a real kubectl: roles, tokens, certificates, questions about rights, acting as others.
// What is compared is what kubectl prints.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';
import { mustRun } from '#test/support/run.ts';

describe('access through kubectl', async () => {
  const found = await findKubectl('current');
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  let cluster: TestCluster;
  let kubectl: Kubectl;
  let home: string;
  beforeAll(async () => {
    cluster = await startCluster(['-'], { input: 'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n' });
    home = join(cluster.data, 'home');
    mkdirSync(home);
    kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
    await kubectl(['-n', 'team', 'create', 'serviceaccount', 'robot']);
    await kubectl(['-n', 'team', 'create', 'role', 'pod-reader', '--verb=get,list,watch', '--resource=pods,pods/log']);
    await kubectl([
      ...['-n', 'team', 'create', 'rolebinding', 'readers'],
      ...['--role=pod-reader', '--user=jane', '--serviceaccount=team:robot'],
    ]);
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 30_000);

  /** With the same server, and another user. */
  const as = (name: string, user: object): Kubectl => {
    const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as Record<string, unknown>;
    const file = join(cluster.data, `${name}.kubeconfig`);
    writeFileSync(file, JSON.stringify({ ...config, users: [{ name: 'evenkeel', user }] }));
    return kubectlFor(found.path, file, home);
  };

  test('the administrator is told who they are, and may do everything', async () => {
    expect(await kubectl(['auth', 'whoami'])).toMatch(/Username +evenkeel-admin\nGroups +\[system:masters/);
    expect(await kubectl(['auth', 'can-i', '*', '*', '--all-namespaces'])).toBe('yes\n');
  });

  test('can-i answers for others, and lists what they may', async () => {
    const ask = async (...words: string[]): Promise<string> =>
      (await kubectl.try(['-n', 'team', 'auth', 'can-i', ...words, '--as', 'jane'])).stdout.trim();
    expect(await ask('list', 'pods')).toBe('yes');
    expect(await ask('get', 'pods', '--subresource=log')).toBe('yes');
    expect(await ask('delete', 'pods')).toMatch(/^no/);
    expect(await ask('list', 'pods', '-n', 'default')).toMatch(/^no/);
    expect(await ask('get', '/healthz')).toBe('yes');
    const list = await ask('--list');
    expect(list).toMatch(/^pods\/log +\[\] +\[\] +\[get list watch\]$/m);
    expect(list).toMatch(/^selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]$/m);
  });

  test('whoever acts as another has their rights, and is refused in upstream words', async () => {
    expect(await kubectl(['-n', 'team', 'get', 'pods', '--as', 'jane'])).toBe('');
    const refused = await kubectl.try(['-n', 'team', 'delete', 'pods', '--all', '--as', 'eve', '--as-group', 'devs']);
    expect(refused.stderr).toBe(
      'Error from server (Forbidden): pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "team"\n',
    );
    const whoami = await kubectl(['auth', 'whoami', '--as', 'eve', '--as-group', 'devs', '--as-uid', '7']);
    expect(whoami).toMatch(/Username +eve\nUID +7\nGroups +\[devs system:authenticated\]/);
  });

  test('a token of a service account logs in, for as long as was asked', async () => {
    const token = (await kubectl(['-n', 'team', 'create', 'token', 'robot', '--duration=20m'])).trim();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number;
      iat: number;
    };
    expect(claims.exp - claims.iat).toBe(1200);
    const robot = as('robot', { token });
    expect(await robot(['auth', 'whoami'])).toMatch(/Username +system:serviceaccount:team:robot/);
    await robot(['-n', 'team', 'get', 'pods']);
    expect((await robot.try(['get', 'nodes'])).stderr).toContain(
      'nodes is forbidden: User "system:serviceaccount:team:robot" cannot list resource "nodes" in API group "" at the cluster scope',
    );
    const secret = ['-n', 'team', 'create', 'token', 'robot', '--bound-object-kind', 'Secret', '--bound-object-name'];
    expect((await kubectl.try([...secret, 'none'])).stderr).toContain('secrets "none" not found');
    await kubectl(['-n', 'team', 'create', 'secret', 'generic', 'key']);
    const bound = as('bound', { token: (await kubectl([...secret, 'key'])).trim() });
    await bound(['-n', 'team', 'get', 'pods']);
    await kubectl(['-n', 'team', 'delete', 'secret', 'key']);
    expect((await bound.try(['-n', 'team', 'get', 'pods'])).stderr).toContain('You must be logged in');
  });

  test('nobody is let in by a token that is none, and strangers see nothing', async () => {
    expect((await as('wrong', { token: 'wrong' }).try(['get', 'pods'])).stderr).toContain('You must be logged in');
    // kubectl asks whoever has no credentials for a name; curl does not.
    const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as {
      clusters: { cluster: { server: string } }[];
    };
    const server = config.clusters[0]?.cluster.server ?? '';
    const curl = (path: string): Promise<string> => mustRun('curl', ['-s', '--cacert', cluster.caFile, server + path]);
    expect(await curl('/livez')).toBe('ok');
    expect(JSON.parse(await curl('/api/v1/namespaces'))).toMatchObject({
      code: 403,
      message:
        'namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope',
    });
  });

  test('a certificate that is asked for and approved logs in', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const keyFile = join(cluster.data, 'jane.key');
    writeFileSync(keyFile, key, { mode: 0o600 });
    const pem = await mustRun('openssl', ['req', '-new', '-key', keyFile, '-subj', '/O=devs/CN=jane']);
    const request = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'jane' },
      spec: {
        request: Buffer.from(pem).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        expirationSeconds: 86_400,
        usages: ['client auth'],
      },
    };
    await kubectl(['create', '-f', '-'], JSON.stringify(request));
    expect(await kubectl(['get', 'csr'])).toMatch(
      /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\njane +\S+ +kubernetes\.io\/kube-apiserver-client +evenkeel-admin +24h +Pending$/m,
    );
    expect(await kubectl(['certificate', 'approve', 'jane'])).toContain(
      'certificatesigningrequest.certificates.k8s.io/jane approved',
    );
    const certificate = await eventually('the certificate is signed', async () => {
      const text = await kubectl(['get', 'csr', 'jane', '-o', 'jsonpath={.status.certificate}']);
      if (text === '') throw new Error(await kubectl(['get', 'csr', 'jane', '-o', 'yaml']));
      return text;
    });
    const jane = as('jane', {
      'client-certificate-data': certificate,
      'client-key-data': Buffer.from(key).toString('base64'),
    });
    expect(await jane(['auth', 'whoami'])).toMatch(/Username +jane\nGroups +\[devs system:authenticated\]/);
    await jane(['-n', 'team', 'get', 'pods']);
    expect((await jane.try(['get', 'pods'])).stderr).toContain('User "jane" cannot list resource "pods"');
    expect(await kubectl(['get', 'csr'])).toMatch(/^jane .* Approved,Issued$/m);
  });

  test('auth reconcile adds what is missing, and nobody grants more than they have', async () => {
    const roles = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pod-reader, namespace: team}
rules:
- {apiGroups: [""], resources: [services], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pod-reader}
subjects:
- {kind: Group, name: devs, apiGroup: rbac.authorization.k8s.io}
`;
    const said = await kubectl(['auth', 'reconcile', '-f', '-'], roles);
    expect(said).toContain('role.rbac.authorization.k8s.io/pod-reader reconciled');
    expect(said).toContain('rolebinding.rbac.authorization.k8s.io/readers reconciled');
    await kubectl(['-n', 'team', 'get', 'services', '--as', 'joe', '--as-group', 'devs']);
    await kubectl(['-n', 'team', 'get', 'pods', '--as', 'jane']);
    await kubectl(['-n', 'team', 'create', 'rolebinding', 'boss', '--clusterrole=admin', '--user=ann']);
    const create = ['-n', 'team', 'create', 'rolebinding', 'more', '--clusterrole=cluster-admin', '--user=ann'];
    expect((await kubectl.try([...create, '--as', 'ann'])).stderr).toContain(
      'user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
    );
  });

  test('a node may read what its pods refer to, and nothing beside it', async () => {
    for (const name of ['mine', 'other']) {
      await kubectl(['-n', 'team', 'create', 'secret', 'generic', name, '--from-literal=a=b']);
    }
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'mine', key: 'a' } } }];
    const overrides = { spec: { containers: [{ name: 'user', image: 'evenkeel.dev/echo', env }] } };
    await kubectl([
      ...['-n', 'team', 'run', 'user', '--image=evenkeel.dev/echo'],
      `--overrides=${JSON.stringify(overrides)}`,
    ]);
    await kubectl(['-n', 'team', 'wait', '--for=condition=Ready', 'pod/user', '--timeout=60s']);
    const node = (await kubectl(['-n', 'team', 'get', 'pod', 'user', '-o', 'jsonpath={.spec.nodeName}'])).trim();
    const ask = async (...words: string[]): Promise<string> =>
      (
        await kubectl.try([
          ...['-n', 'team', 'auth', 'can-i', ...words],
          ...['--as', `system:node:${node}`, '--as-group', 'system:nodes'],
        ])
      ).stdout.trim();
    expect(await ask('get', 'secrets/mine')).toBe('yes');
    expect(await ask('get', 'secrets/other')).toBe(`no - no relationship found between node '${node}' and this object`);
    expect(await ask('list', 'secrets')).toMatch(/^no/);
    expect(await ask('create', 'pods')).toBe('yes');
    const stranger = await kubectl.try([
      ...['label', 'node', node, 'node-restriction.kubernetes.io/x=y'],
      ...['--as', `system:node:${node}`, '--as-group', 'system:nodes'],
    ]);
    expect(stranger.stderr).toContain('is not allowed to modify labels: node-restriction.kubernetes.io/x');
  }, 120_000);

  test('a policy changes what kubectl creates, and is listed with its mutations', async () => {
    const policies = join(home, 'policies.yaml');
    writeFileSync(
      policies,
      `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: owned}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"]}
  reinvocationPolicy: Never
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: 'Object{metadata: Object.metadata{labels: {"owner": request.userInfo.username}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: owned}
spec:
  policyName: owned
  matchResources:
    namespaceSelector: {matchLabels: {"kubernetes.io/metadata.name": team}}
`,
    );
    await kubectl(['apply', '-f', policies]);
    await kubectl(['-n', 'team', 'create', 'configmap', 'stamped', '--from-literal=a=b']);
    const label = ['get', 'configmap', 'stamped', '-o', 'jsonpath={.metadata.labels.owner}'];
    expect(await kubectl(['-n', 'team', ...label])).toBe('evenkeel-admin');
    expect(await kubectl(['get', 'mutatingadmissionpolicies'])).toMatch(
      /^NAME +MUTATIONS +PARAMKIND +AGE\nowned +1 +<unset> +/,
    );
    expect(await kubectl(['explain', 'mutatingadmissionpolicy.spec.mutations'])).toContain('patchType');
    await kubectl(['delete', '-f', policies]);
  }, 60_000);
});
