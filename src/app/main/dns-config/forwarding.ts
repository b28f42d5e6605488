// Where names that are not the cluster's are asked for, as ConfigMaps say it, and what of them cannot be used.
// Data only.
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';

export interface Forwarding {
  /** Undefined: nothing is said of them. */
  readonly upstreams: readonly UpstreamAddress[] | undefined;
  readonly stubs: readonly StubDomain[];
  /** Sentences; whatever else there is counts all the same. */
  readonly problems: readonly string[];
}

export const NOTHING: Forwarding = { upstreams: undefined, stubs: [], problems: [] };
