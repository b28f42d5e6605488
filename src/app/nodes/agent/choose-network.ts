// Which network the pods of a kubelet get, and why.
// Knows what each needs; makes none before it is asked to.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createNetnsNetwork } from '#kube/kubelet/network/create-network.ts';
import { LoopbackNetwork } from '#kube/kubelet/network/loopback-network.ts';
import type { PodNetwork } from '#kube/kubelet/network/pod-network.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { Failure, messageOf, UsageFailure } from '../../failure.ts';
import { namespaceObstacle } from './privileges.ts';
import type { KubeletSettings } from './settings.ts';

export interface NetworkChoice {
  readonly kind: 'loopback' | 'bridge' | 'cni';
  /** Fit for a line to people. */
  readonly reason: string;
}

type Chosen = Pick<KubeletSettings, 'network' | 'cni'>;

/** Throws a `Failure` when what was asked for cannot be had. */
export function chooseNetwork({ network, cni }: Chosen, obstacle = namespaceObstacle): NetworkChoice {
  if (network === 'cni' && cni === undefined) {
    throw new UsageFailure('Network cni needs to know its plugins', 'Name them with --cni-conf and --cni-bin');
  }
  if (network === 'loopback') return { kind: 'loopback', reason: 'asked for' };
  const kind = cni === undefined ? 'bridge' : 'cni';
  const inTheWay = obstacle();
  if (inTheWay === undefined) {
    const why = kind === 'cni' ? 'its plugins are named' : 'network namespaces can be made here';
    return { kind, reason: network === 'auto' ? why : 'asked for' };
  }
  if (network === 'auto' && cni === undefined) return { kind: 'loopback', reason: inTheWay };
  throw new Failure(
    `Network ${kind} cannot be had: ${inTheWay}`,
    'Put that right, or choose --network loopback, where pods live on 127.0.0.0/8',
  );
}

export function openNetwork(
  { kind }: NetworkChoice,
  settings: KubeletSettings,
  podCidrs: readonly string[],
  deps: { readonly clock: Clock; readonly log: Logger },
): PodNetwork {
  try {
    if (kind === 'loopback') return new LoopbackNetwork(podCidrs[0] ?? '');
    return createNetnsNetwork({
      owner: settings.networkOwner ?? ownerOf(settings),
      stateDir: join(settings.dataDir, 'network'),
      podCidrs,
      ...(kind === 'cni' && settings.cni !== undefined ? { cni: settings.cni } : {}),
      ...deps,
    });
  } catch (error) {
    throw new UsageFailure(messageOf(error), 'Give --pod-cidr e.g. 10.244.1.0/24');
  }
}

/** The same at every start, and another one for another data directory. */
function ownerOf({ dataDir, nodeName }: KubeletSettings): string {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 6);
  return `ek-${id}-${nodeName.replaceAll('.', '-')}`.slice(0, 40);
}
