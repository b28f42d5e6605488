// Requests for certificates: signs what is approved, approves what kubelets may have, and clears away what is over.
// Knows no key: whoever starts the controllers gives a way to sign. Upstream: pkg/controller/certificates.
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from 'kubernetes-types/certificates/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Controller, ReconcileResult } from '../controller.ts';
import { approvalOf } from './kubelet-approval.ts';
import { isKnownSigner, objectionTo } from './signers.ts';

const REQUESTS = builtin('CertificateSigningRequest');
const HOUR_MS = 3_600_000;
/** Upstream's: what is decided is of use to whoever waits for it, and to nobody later. */
const KEPT_MS = { decided: HOUR_MS, pending: 24 * HOUR_MS };
/** Upstream: --cluster-signing-duration. */
const DEFAULT_SECONDS = 365 * 24 * 3600;
const BACKDATE_MS = 5 * 60_000;

type Request = CertificateSigningRequest & KubeObject;

export const certificatesController: Controller = {
  name: 'certificates',
  component: 'certificate-controller',
  setup({ client, informers, clock, log, settings }) {
    const requests = informers.of<Request>(REQUESTS);

    const write = async (
      request: Request,
      subresource: 'approval' | 'status',
      status: CertificateSigningRequest['status'],
    ): Promise<void> => {
      try {
        await client.update(REQUESTS, { ...request, status } as Request, { subresource });
      } catch (error) {
        // Somebody else was here first; what they wrote is on its way.
        if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
      }
    };
    const condition = (type: string, reason: string, message: string): CertificateSigningRequestCondition => {
      return { type, status: 'True', reason, message };
    };

    const sign = async (request: Request): Promise<void> => {
      const { spec, status } = request;
      const conditions = status?.conditions ?? [];
      const wrong = objectionTo(spec);
      if (wrong !== undefined) {
        const failed = condition('Failed', 'SignerValidationFailure', wrong);
        await write(request, 'status', { ...status, conditions: [...conditions, failed] });
        return;
      }
      const now = clock.wall();
      const usages: readonly string[] = spec.usages ?? [];
      const certificate = await settings.signCertificate?.(Buffer.from(spec.request, 'base64').toString('latin1'), {
        client: usages.includes('client auth'),
        server: usages.includes('server auth'),
        keyEncipherment: usages.includes('key encipherment'),
        from: now - BACKDATE_MS,
        to: now + (spec.expirationSeconds ?? DEFAULT_SECONDS) * 1000,
      });
      if (certificate === undefined) return;
      await write(request, 'status', { ...status, certificate: Buffer.from(certificate).toString('base64') });
      log.info({ request: request.metadata?.name, signer: spec.signerName, for: spec.username }, 'Certificate signed');
    };

    const reconcile = async (key: string): Promise<ReconcileResult> => {
      const request = requests.get(key);
      if (request === undefined || request.metadata?.deletionTimestamp !== undefined) return undefined;
      const left = timeLeft(request, clock.wall());
      if (left <= 0) {
        const { name = '', uid = '' } = request.metadata ?? {};
        await client.delete(REQUESTS, name, undefined, { preconditions: { uid } }).catch((error: unknown) => {
          if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
        });
        return undefined;
      }
      const types = (request.status?.conditions ?? []).map(({ type }) => type);
      const open = types.length === 0;
      const approval = open ? await approvalOf(client, request) : undefined;
      if (approval !== undefined) {
        const approved = condition('Approved', approval.reason, approval.message);
        await write(request, 'approval', { ...request.status, conditions: [approved] });
      } else if (types.includes('Approved') && !types.includes('Failed') && needsSigning(request)) {
        await sign(request);
      }
      return { requeueAfterMs: left };
    };

    const queue = createWorkQueue('certificates', reconcile, { clock, log });
    requests.onChange((key) => queue.add(key));
    return { queues: [queue], reads: [requests] };
  },
};

function needsSigning({ spec, status }: CertificateSigningRequest): boolean {
  return isKnownSigner(spec.signerName) && (status?.certificate ?? '') === '';
}

/** Milliseconds until the request is cleared away. */
export function timeLeft({ metadata, status }: CertificateSigningRequest, now: number): number {
  const conditions = status?.conditions ?? [];
  const decided = conditions
    .map(({ lastUpdateTime }) => Date.parse(String(lastUpdateTime ?? '')))
    .filter(Number.isFinite);
  if (decided.length > 0) return Math.max(...decided) + KEPT_MS.decided - now;
  return Date.parse(String(metadata?.creationTimestamp ?? '')) + KEPT_MS.pending - now;
}
