// Development certificates: an Ingress that names a Secret which is not there gets one signed by the local authority.
// Knows nothing of the proxy. Runs only in the embedded cluster, and never touches a Secret it did not make.

import { createHash } from 'node:crypto';
import type { Secret } from 'kubernetes-types/core/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { splitKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { type Authority, needsRenewal } from '#traffic/identity/authority.ts';

interface DevCertificateOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly authority: Authority;
  readonly ingressClass: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Fingerprint of the certificate that this controller put in; a Secret that holds another is not ours any more. */
const FINGERPRINT = 'evenkeel.dev/development-certificate';
const RECHECK_MS = 12 * 60 * 60 * 1000;
const DAYS = 90;

type IngressObject = Ingress & KubeObject;
type SecretObject = Secret & KubeObject;

export function startDevCertificates(options: DevCertificateOptions): { stop(): Promise<void> } {
  const { client, informers, authority, clock, log } = options;
  const ingresses = informers.of<IngressObject>(builtin('Ingress'));
  const secrets = informers.of<SecretObject>(builtin('Secret'));
  const queue = createWorkQueue('dev-certificate', reconcile, { clock, log });
  const unsubscribe = [
    ingresses.onChange((key) => queue.add(key)),
    // A Secret that goes may be one that an Ingress needs.
    secrets.onChange((key, now) => {
      if (now === undefined) for (const ingress of ingresses.list(splitKey(key).namespace)) queue.add(keyOf(ingress));
    }),
  ];
  queue.start();

  async function reconcile(key: string): Promise<{ requeueAfterMs: number } | undefined> {
    await secrets.synced();
    const ingress = ingresses.get(key);
    if (ingress === undefined || classOf(ingress) !== options.ingressClass) return undefined;
    for (const tls of ingress.spec?.tls ?? []) {
      if (tls.secretName === undefined) continue;
      const hosts = tls.hosts ?? (ingress.spec?.rules ?? []).flatMap(({ host }) => (host === undefined ? [] : [host]));
      if (hosts.length > 0) await ensure(ingress, tls.secretName, hosts);
    }
    return { requeueAfterMs: RECHECK_MS };
  }

  async function ensure(ingress: IngressObject, name: string, hosts: readonly string[]): Promise<void> {
    const namespace = ingress.metadata?.namespace ?? '';
    const present = secrets.get(`${namespace}/${name}`);
    const request = { commonName: hosts[0] ?? name, dnsNames: hosts, days: DAYS };
    if (present !== undefined) {
      const certificate = Buffer.from(present.data?.['tls.crt'] ?? '', 'base64').toString('utf8');
      if (present.metadata?.annotations?.[FINGERPRINT] !== fingerprintOf(certificate)) return;
      if (!needsRenewal(certificate, authority, request, clock.wall())) return;
    }
    const { certPem, keyPem } = await authority.issue(request);
    const chain = certPem + authority.certPem;
    const secret: SecretObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: {
        name,
        namespace,
        annotations: { [FINGERPRINT]: fingerprintOf(chain) },
        ...(present?.metadata?.resourceVersion === undefined
          ? {}
          : { resourceVersion: present.metadata.resourceVersion }),
      },
      data: {
        'tls.crt': base64(chain),
        'tls.key': base64(keyPem),
        'ca.crt': base64(authority.certPem),
      },
    };
    try {
      if (present === undefined) await client.create(builtin('Secret'), secret);
      else await client.update(builtin('Secret'), secret);
      log.info({ secret: `${namespace}/${name}`, hosts }, 'Development certificate made');
    } catch (error) {
      // Somebody else was faster: theirs counts.
      if (!(error instanceof StatusError && error.code === 409)) throw error;
    }
  }

  return {
    async stop() {
      for (const end of unsubscribe) end();
      await queue.stop();
    },
  };
}

function classOf(ingress: IngressObject): string | undefined {
  return ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.['kubernetes.io/ingress.class'];
}

function keyOf(ingress: IngressObject): string {
  return `${ingress.metadata?.namespace}/${ingress.metadata?.name}`;
}

function fingerprintOf(pem: string): string {
  return createHash('sha256').update(pem).digest('hex');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
