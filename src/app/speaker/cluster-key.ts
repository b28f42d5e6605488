// The key that the speakers of a cluster sign their heartbeats with: a Secret, made by the first of them.
// Knows the API; nothing of messages.
import { randomBytes } from 'node:crypto';
import type { Secret } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { Failure } from '../failure.ts';

const SECRETS = builtin('Secret');
const ENTRY = 'key';
const KEY_BYTES = 32;
const LEAST_BYTES = 16;

/** Throws a `Failure` when the Secret is there without a usable key. */
export async function clusterKey(
  client: Client,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<Uint8Array> {
  for (;;) {
    try {
      const { data } = await client.get<Secret>(SECRETS, name, namespace);
      const key = Buffer.from(data?.[ENTRY] ?? '', 'base64');
      if (key.length >= LEAST_BYTES) return key;
      throw new Failure(
        `Secret "${namespace}/${name}" has no data.${ENTRY} of ${LEAST_BYTES} bytes or more, by which speakers know each other`,
        'Delete it, and a speaker makes it anew; restart the others then',
      );
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
    try {
      const data = { [ENTRY]: randomBytes(KEY_BYTES).toString('base64') };
      await client.create<Secret>(SECRETS, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'evenkeel' } },
        type: 'Opaque',
        data,
      });
    } catch (error) {
      // Another speaker was faster; its key counts.
      if (!isStatus(error, 409)) throw error;
    }
  }
}
