// Approves the client certificates of kubelets: a node's own, renewed, or its first by a token that may ask for it.
// Knows which requests these are; whether the asker may is the API's to say. Upstream source: pkg/controller/certificates/approver.
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin, type ResourceDefinition } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { readCertificateRequest } from '#lib/certificate-request.ts';
import { KUBELET_CLIENT, objectionTo } from './signers.ts';

const REVIEWS: ResourceDefinition = builtin('SubjectAccessReview');

interface Review extends KubeObject {
  readonly status?: { readonly allowed?: boolean };
}

/** The condition to write; undefined for a request that people decide on. */
export async function approvalOf(
  client: Client,
  { spec }: CertificateSigningRequest,
): Promise<{ reason: string; message: string } | undefined> {
  if (spec.signerName !== KUBELET_CLIENT || objectionTo(spec) !== undefined) return undefined;
  const { commonName } = readCertificateRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
  const own = commonName === spec.username;
  for (const subresource of own ? ['selfnodeclient', 'nodeclient'] : ['nodeclient']) {
    const review = await client.create<Review>(REVIEWS, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: spec.username ?? '',
        groups: spec.groups ?? [],
        ...(spec.uid === undefined ? {} : { uid: spec.uid }),
        ...(spec.extra === undefined ? {} : { extra: spec.extra }),
        resourceAttributes: {
          group: 'certificates.k8s.io',
          resource: 'certificatesigningrequests',
          verb: 'create',
          subresource,
          version: '*',
        },
      },
    } as Review);
    if (review.status?.allowed !== true) continue;
    const what = subresource === 'selfnodeclient' ? 'self kubelet client certificate' : 'kubelet client certificate';
    return { reason: 'AutoApproved', message: `Auto approving ${what} after SubjectAccessReview.` };
  }
  return undefined;
}
