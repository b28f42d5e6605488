// Requests for certificates, approved and signed by the controller against a real server.
import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { requestPem } from '#kube/apiserver/testing/certificate-request.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { signRequest } from '#traffic/identity/sign-request.ts';
import { startWorld, type World } from '../testing/world.ts';
import { timeLeft } from './index.ts';

type Request = CertificateSigningRequest & KubeObject;
const REQUESTS = builtin('CertificateSigningRequest');
const NODE = 'CN=system:node:n1, O=system:nodes';

let world: World;
let authority: Awaited<ReturnType<typeof createAuthority>>;
beforeAll(async () => {
  authority = await createAuthority({ commonName: 'test' });
  const signCertificate = (request: string, terms: Parameters<typeof signRequest>[2]) =>
    signRequest(authority, request, terms);
  world = await startWorld({ only: ['certificates'], settings: { signCertificate }, nodes: [] });
});
afterAll(() => world.close());

interface Asked {
  readonly signer: string;
  readonly usages: string[];
  readonly subject: string;
  readonly names?: Parameters<typeof requestPem>[1];
  readonly seconds?: number;
}

async function ask(name: string, { signer, usages, subject, names, seconds }: Asked): Promise<Request> {
  const request = Buffer.from(await requestPem(subject, names)).toString('base64');
  return world.client.create<Request>(REQUESTS, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request,
      signerName: `kubernetes.io/${signer}`,
      usages,
      ...(seconds === undefined ? {} : { expirationSeconds: seconds }),
    },
  } as Request);
}

async function approve(request: Request): Promise<void> {
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: '' }];
  await world.client.update(REQUESTS, { ...request, status: { conditions } } as Request, { subresource: 'approval' });
}

const outcome = (name: string): Promise<Request> =>
  world.until(() => {
    const found = world.see<Request>('CertificateSigningRequest').get(name);
    const failed = found?.status?.conditions?.some(({ type }) => type === 'Failed');
    return found?.status?.certificate !== undefined || failed === true ? found : undefined;
  });

test('a client certificate has the names that were asked for, and the time', async () => {
  await approve(
    await ask('jane', {
      signer: 'kube-apiserver-client',
      usages: ['client auth', 'digital signature'],
      subject: 'CN=jane, O=devs, O=testers',
      seconds: 3600,
    }),
  );
  const { status } = await outcome('jane');
  const certificate = new X509Certificate(Buffer.from(status?.certificate ?? '', 'base64'));
  expect(certificate.subject.split('\n').sort()).toEqual(['CN=jane', 'O=devs', 'O=testers']);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(certificate.ca).toBe(false);
  expect(certificate.verify(new X509Certificate(authority.certPem).publicKey)).toBe(true);
  expect(certificate.validToDate.getTime() - certificate.validFromDate.getTime()).toBe((3600 + 300) * 1000);
});

test('a serving certificate of a kubelet is for its addresses', async () => {
  await approve(
    await ask('serving', {
      signer: 'kubelet-serving',
      usages: ['server auth', 'digital signature'],
      subject: NODE,
      names: [
        { type: 'ip', value: '192.0.2.1' },
        { type: 'dns', value: 'n1' },
      ],
    }),
  );
  const certificate = new X509Certificate(Buffer.from((await outcome('serving')).status?.certificate ?? '', 'base64'));
  expect(certificate.checkIP('192.0.2.1')).toBe('192.0.2.1');
  expect(certificate.checkHost('n1')).toBe('n1');
});

describe('what a signer does not sign fails with the reason', () => {
  const node = { signer: 'kubelet-serving', usages: ['server auth'], subject: NODE };
  const dns = [{ type: 'dns' as const, value: 'n1' }];
  const cases: [name: string, asked: Asked, message: string][] = [
    ['no-names', node, 'DNS or IP subjectAltName is required'],
    [
      'no-node',
      { ...node, subject: 'CN=jane, O=system:nodes', names: dns },
      'subject common name does not begin with system:node:',
    ],
    ['no-group', { ...node, subject: 'CN=system:node:n1', names: dns }, 'subject organization is not system:nodes'],
    [
      'wrong-use',
      { ...node, names: dns, usages: ['client auth'] },
      'usages did not match digital signature,key encipherment,server auth',
    ],
    ['uri', { ...node, names: [...dns, { type: 'url', value: 'spiffe://a' }] }, 'URI subjectAltNames are not allowed'],
  ];
  test.each(cases)('%s', async (name, asked, message) => {
    await approve(await ask(name, asked));
    expect((await outcome(name)).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Failed', reason: 'SignerValidationFailure', message }),
    );
  });
});

test('a kubelet that may have its client certificate is not kept waiting for people', async () => {
  // The test's own user is an administrator, who may ask for any node.
  await ask('node-client', { signer: 'kube-apiserver-client-kubelet', usages: ['client auth'], subject: NODE });
  const { status } = await outcome('node-client');
  expect(status?.conditions?.[0]).toMatchObject({
    type: 'Approved',
    reason: 'AutoApproved',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  });
  expect(status?.certificate).toBeDefined();
});

test('what is over is kept for an hour, what nobody decides on for a day', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  const at = (text: string) => text as unknown as Date;
  const request = (conditions: object[]) =>
    ({ metadata: { creationTimestamp: at('2026-01-01T12:00:00Z') }, status: { conditions } }) as unknown as Request;
  expect(timeLeft(request([]), now)).toBe(12 * 3_600_000);
  expect(timeLeft(request([{ type: 'Denied', lastUpdateTime: '2026-01-01T23:30:00Z' }]), now)).toBe(1_800_000);
});
