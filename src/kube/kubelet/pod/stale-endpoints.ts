// After a start: waits until EndpointSlices offer no pod of this node that an earlier run left ready, and this one has not.
// Knows slices and whether a pod is ready; writes neither.
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Informer } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';

export interface StaleEndpointsOptions {
  readonly slices: Informer<EndpointSlice>;
  readonly nodeName: string;
  /** Whether the pod with this uid is ready, as this run knows. */
  readonly isReady: (uid: string) => boolean;
  readonly clock: Clock;
  /** Milliseconds; a Service may publish addresses that are not ready for good. */
  readonly limitMs: number;
}

/** Resolves when there is none, or the time is over. */
export function withoutStaleEndpoints(options: StaleEndpointsOptions): Promise<void> {
  const { slices, nodeName, isReady, clock, limitMs } = options;
  const isStale = ({ endpoints = [] }: EndpointSlice): boolean =>
    endpoints.some(
      ({ nodeName: at, conditions, targetRef }) =>
        at === nodeName && conditions?.ready !== false && !isReady(targetRef?.uid ?? ''),
    );
  return new Promise((resolve) => {
    const end = (): void => {
      late();
      stop();
      resolve();
    };
    let waits = false;
    const look = (): void => {
      waits = false;
      if (!slices.list().some(isStale)) end();
    };
    const late = clock.after(limitMs, end);
    let stop = (): void => {};
    // Many at once are looked at once.
    stop = slices.onChange(() => {
      if (!waits) clock.after(0, look);
      waits = true;
    });
    look();
  });
}
