// The first words between a kubelet and its API server: is it there, and which pod range has it for this node?
// Knows the Node object; what is done with the answer is the caller's matter.
import type { Node } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { untilAnswered } from '#kube/client/until-answered.ts';
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { Failure, messageOf } from '../../failure.ts';

export interface Joining {
  readonly client: Client;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const RANGE_POLL_MS = 500;
/** After this many tries somebody should hear what is waited for. */
const TELL_AFTER = 10;

/** Waits until the server answers; the Node as it knows it. Throws a `Failure` when it refuses us. */
export async function reachServer(joining: Joining): Promise<Node | undefined> {
  const { client, nodeName, signal } = joining;
  try {
    return await answered(joining, () => client.get<Node>(builtin('Node'), nodeName));
  } catch (error) {
    if (isStatus(error, 404) || signal.aborted) return undefined;
    if (isStatus(error, 401) || isStatus(error, 403)) {
      throw new Failure(
        `The API server does not accept this kubelet: ${error.message}`,
        `Give it a kubeconfig that may read and write node "${nodeName}" (system:node:${nodeName} of system:nodes)`,
        { cause: error },
      );
    }
    throw error;
  }
}

function answered<T>({ clock, log, signal }: Joining, work: () => Promise<T>): Promise<T> {
  const onFailure = (error: unknown, failures: number): void => {
    if (failures % TELL_AFTER === 0) log.warn({ error: messageOf(error) }, 'Cannot reach the API server yet');
  };
  return untilAnswered(work, { clock, signal, onFailure });
}

/** The ranges given, else those of the Node, which is registered to be given some by the cluster. */
export async function podCidrsOf(
  joining: Joining,
  given: readonly string[],
  known: Node | undefined,
): Promise<readonly string[]> {
  const { client, nodeName, clock, log, signal } = joining;
  if (given.length > 0 || signal.aborted) return given;
  const registered = async (): Promise<Node> => {
    try {
      return await answered(joining, () => register(client, nodeName));
    } catch (error) {
      if (signal.aborted) return {};
      throw error;
    }
  };
  let node = known ?? (await registered());
  for (let tries = 1; rangesOf(node).length === 0 && !signal.aborted; tries += 1) {
    if (tries % TELL_AFTER === 0) {
      log.warn({ node: nodeName }, 'Waiting for spec.podCIDR of the Node; give --pod-cidr where nobody assigns one');
    }
    await delay(clock, RANGE_POLL_MS, signal);
    if (signal.aborted) break;
    // It may have been deleted since, or be unknown to a server that has begun anew.
    node = (await reachServer(joining)) ?? (await registered());
  }
  return rangesOf(node);
}

function rangesOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}

async function register(client: Client, name: string): Promise<Node> {
  try {
    // Nothing is sent here yet: without a Ready condition the control plane taints it.
    return await client.create<Node>(builtin('Node'), { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
    return await client.get<Node>(builtin('Node'), name);
  }
}
