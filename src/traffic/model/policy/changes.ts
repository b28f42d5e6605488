// What policies change of a cluster, and which of two has its way: the more specific, setting by setting.
// Pure; knows no object. Each change says where it comes from, for who asks why.
import type { CircuitBreaker, Cluster, ClusterTimeouts } from '../ir.ts';

type Origins = NonNullable<Cluster['origins']>;

export type ClusterChanges = Partial<
  Omit<Cluster, 'name' | 'timeouts' | 'circuitBreaker' | 'origins' | 'loadReports' | 'proxyProtocol'>
> & {
  readonly timeouts?: Partial<ClusterTimeouts>;
  readonly circuitBreaker?: CircuitBreaker;
  /** Of each setting. */
  readonly origins?: Origins;
};

/** Time-outs and limits are told one by one; every other group is the one or the other. */
export function overlay<T extends ClusterChanges>(base: T, over: ClusterChanges): T {
  if (Object.keys(over).length === 0) return base;
  // Another policy hashes nothing that it was not told to.
  const { hash, ...unhashed } = base;
  const kept = over.policy === undefined || hash === undefined ? base : unhashed;
  const origins = { ...withoutReplaced(base.origins, over.origins), ...over.origins };
  return {
    ...kept,
    ...over,
    ...(over.timeouts === undefined ? {} : { timeouts: { ...base.timeouts, ...over.timeouts } }),
    ...(over.circuitBreaker === undefined
      ? {}
      : { circuitBreaker: { ...base.circuitBreaker, ...over.circuitBreaker } }),
    ...(Object.keys(origins).length === 0 ? {} : { origins }),
  } as T;
}

/** Undefined where nobody says anything. */
export function overlayAll(all: readonly (ClusterChanges | undefined)[]): ClusterChanges | undefined {
  const said = all.filter((one) => one !== undefined);
  const [first, ...rest] = said;
  return first === undefined ? undefined : rest.reduce((base, over) => overlay(base, over), first);
}

/** What something else has its way with is nobody's setting any more. */
export function withoutOrigins(changes: ClusterChanges, groups: readonly string[]): ClusterChanges {
  if (changes.origins === undefined || groups.length === 0) return changes;
  const kept = Object.entries(changes.origins).filter(([setting]) => !groups.includes(groupOf(setting)));
  return { ...changes, origins: Object.fromEntries(kept) };
}

/** Of a group that is replaced nothing stays. */
function withoutReplaced(base: Origins = {}, over: Origins = {}): Origins {
  const replaced = new Set(Object.keys(over).map(groupOf));
  return Object.fromEntries(
    Object.entries(base).filter(([setting]) => isSingle(setting) || !replaced.has(groupOf(setting))),
  );
}

function groupOf(setting: string): string {
  return setting.split('.', 1)[0] ?? '';
}

function isSingle(setting: string): boolean {
  return setting.startsWith('timeouts.') || setting.startsWith('circuitBreaker.');
}
