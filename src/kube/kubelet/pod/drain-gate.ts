// Holds back the end of a pod's processes until nobody sends it requests any more.
// Knows EndpointSlices and one pod condition; ends nothing itself.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { TRAFFIC_DRAINED } from '#kube/api/traffic-drained.ts';
import type { Informer } from '#kube/client/informer.ts';
import type { Cancel, Clock } from '#lib/clock.ts';

export interface DrainPolicy {
  /** Longest wait, in milliseconds; never more than half of the time that the pod has left. */
  readonly maxMs: number;
  /**
   * `condition`: the gateway says itself when it is done (`evenkeel.dev/TrafficDrained`). `slices`: nobody does.
   */
  readonly by: 'condition' | 'slices';
  /** The pod goes so many milliseconds after its EndpointSlices have stopped offering it, at the earliest. */
  readonly settleMs: number;
}

const BY_POD = 'kubelet/pod';

function podsOf(slice: EndpointSlice): readonly string[] {
  return (slice.endpoints ?? []).flatMap(({ targetRef }) => (targetRef?.uid === undefined ? [] : [targetRef.uid]));
}

function isOffered({ conditions }: Endpoint): boolean {
  return conditions?.ready !== false && conditions?.terminating !== true;
}

export class DrainGate {
  readonly #policy: DrainPolicy;
  readonly #slices: Informer<EndpointSlice>;
  readonly #clock: Clock;

  constructor(policy: DrainPolicy, slices: Informer<EndpointSlice>, clock: Clock) {
    this.#policy = policy;
    this.#slices = slices;
    this.#clock = clock;
    slices.addIndex(BY_POD, podsOf);
  }

  /**
   * Resolves when the pod is asked nothing any more, `limitMs` has passed, or `over` has: at once for a pod that no
   * Service lists. `pod` is asked anew whenever `changed` tells.
   */
  async wait(
    pod: () => Pod,
    limitMs: number,
    over: Promise<unknown>,
    onPodChange: (fn: () => void) => Cancel,
  ): Promise<void> {
    const { uid = '' } = pod().metadata ?? {};
    const listed = (): Endpoint[] =>
      this.#slices
        .byIndex(BY_POD, uid)
        .flatMap(({ endpoints = [] }) => endpoints.filter(({ targetRef }) => targetRef?.uid === uid));
    if (listed().length === 0) return;
    const { maxMs, by, settleMs } = this.#policy;
    const passed = Promise.withResolvers<void>();
    const cancels: Cancel[] = [this.#clock.after(Math.min(maxMs, limitMs / 2), passed.resolve)];
    let settling = false;
    let settled = settleMs === 0;
    const look = (): void => {
      if (listed().some(isOffered)) return;
      if (settled) {
        if (by === 'slices' || saysDrained(pod())) passed.resolve();
      } else if (!settling) {
        settling = true;
        const settle = (): void => {
          settled = true;
          look();
        };
        cancels.push(this.#clock.after(settleMs, settle));
      }
    };
    cancels.push(onPodChange(look), this.#slices.onChange(look));
    look();
    await Promise.race([passed.promise, over]);
    for (const cancel of cancels) cancel();
  }
}

/** Whether the proxies are done with the pod since it was last ready. */
function saysDrained({ status }: Pod): boolean {
  const find = (type: string) => status?.conditions?.find((condition) => condition.type === type);
  const drained = find(TRAFFIC_DRAINED);
  if (drained?.status !== 'True') return false;
  const ready = find('Ready');
  // Said before the pod was ready for the last time, it tells nothing of the requests since.
  return ready?.status !== 'True' || (drained.lastTransitionTime ?? '') >= (ready.lastTransitionTime ?? '');
}
