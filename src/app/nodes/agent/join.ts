// The first words between a kubelet and its API server: is it there, and which pod range has it for this node?
// Knows the Node object; what is done with the answer is the caller's matter.
import type { Node, NodeStatus } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { untilAnswered } from '#kube/client/until-answered.ts';
import { rangesOf, waitingCondition } from '#kube/kubelet/node/node-object.ts';
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
/** A node that says nothing for much longer counts as lost. */
const HEARTBEAT_AFTER = 20;

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
  const { nodeName, clock, log, signal } = joining;
  if (given.length > 0 || signal.aborted) {
    await untilWithout(joining, given, known);
    return given;
  }
  const registered = async (): Promise<Node> => {
    try {
      return await answered(joining, () => register(joining));
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
    if (tries % HEARTBEAT_AFTER === 1) {
      // The next time is soon enough where it cannot be said now.
      await tellWaiting(joining).catch((error: unknown) => log.info({ error: messageOf(error) }, 'Cannot say so yet'));
    }
    await delay(clock, RANGE_POLL_MS, signal);
    if (signal.aborted) break;
    // It may have been deleted since, or be unknown to a server that has begun anew.
    node = (await reachServer(joining)) ?? (await registered());
  }
  return rangesOf(node);
}

/** A Node keeps the ranges that it has been given: with others it has to be registered anew, by whoever may delete it. */
async function untilWithout(joining: Joining, given: readonly string[], known: Node | undefined): Promise<void> {
  const { nodeName, clock, log, signal } = joining;
  let before = known === undefined ? [] : rangesOf(known);
  for (let tries = 1; before.length > 0 && before.join() !== given.join() && !signal.aborted; tries += 1) {
    if (tries % TELL_AFTER === 0) {
      const ranges = { node: nodeName, podCIDRs: before.join(','), 'pod-cidr': given.join(',') };
      log.warn(
        ranges,
        'Waiting for other ranges: spec.podCIDRs cannot change; leave --pod-cidr out, or delete the Node',
      );
    }
    await delay(clock, RANGE_POLL_MS, signal);
    const now = signal.aborted ? undefined : await reachServer(joining);
    before = now === undefined ? [] : rangesOf(now);
  }
}

/** With the word that it is not ready: a node that says nothing would be shown as unknown. */
async function register({ client, nodeName: name, clock }: Joining): Promise<Node> {
  try {
    const status = waitingStatus(clock);
    return await client.create<Node>(builtin('Node'), { apiVersion: 'v1', kind: 'Node', metadata: { name }, status });
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
    return await client.get<Node>(builtin('Node'), name);
  }
}

async function tellWaiting({ client, nodeName, clock }: Joining): Promise<void> {
  const patch = { status: waitingStatus(clock) };
  await client.patch(builtin('Node'), nodeName, undefined, 'strategic', patch, { subresource: 'status' });
}

function waitingStatus(clock: Clock): NodeStatus {
  const now = `${new Date(clock.wall()).toISOString().slice(0, 19)}Z`;
  return { conditions: [waitingCondition('spec.podCIDR of the Node is not set yet', now)] };
}
