// How near an endpoint is to the proxy: on its node, in its zone, or anywhere.
// One rule; knows nothing of health or load.

export interface Place {
  readonly node: string;
  readonly zone: string;
}

export type Preference = 'same_zone' | 'same_node';

/** Levels from near to far that a preference tells apart, as people read them. */
export function levelNames(prefer: Preference): readonly string[] {
  return prefer === 'same_node' ? ['node', 'zone', 'any'] : ['zone', 'any'];
}

/**
 * The level of an endpoint, 0 the nearest. A place that is not known is near to nothing. An endpoint on the proxy's
 * own node is in its zone, whatever the endpoint says of zones.
 */
export function levelOf(endpoint: Place, proxy: Place, prefer: Preference): number {
  const onNode = proxy.node !== '' && endpoint.node === proxy.node;
  const inZone = onNode || (proxy.zone !== '' && endpoint.zone === proxy.zone);
  if (prefer === 'same_zone') return inZone ? 0 : 1;
  if (onNode) return 0;
  return inZone ? 1 : 2;
}
