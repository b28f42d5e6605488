// Schemas of what an advertisement may say, shared by AddressPool and the advertisements of metallb.io.
// Data only.
import { labelSelector, list, names, object, type SchemaNode, selectors, text, whole } from './schema-parts.ts';

export const scopeFields: Record<string, SchemaNode> = {
  nodeSelectors: selectors('Nodes that announce: those that match one of these; all when left out.'),
  serviceSelectors: selectors('Services that are announced: those that match one of these; all when left out.'),
};

export const l2Fields: Record<string, SchemaNode> = {
  interfaces: names('Network interfaces to answer on; all when left out.'),
  preferredNodeSelectors: list(
    'Nodes that announce before others, by the sum of the weights of what they match.',
    object(
      'A selector with its weight.',
      { weight: whole('How much it counts.', 1, 100), preference: labelSelector },
      { required: ['weight', 'preference'] },
    ),
  ),
};

export const bgpFields: Record<string, SchemaNode> = {
  aggregationLength: whole('Announces the IPv4 block of this length around an address.', 1, 32),
  aggregationLengthV6: whole('Announces the IPv6 block of this length around an address.', 1, 128),
  localPref: whole('LOCAL_PREF of the routes, for peers of the same AS.', 0, 4_294_967_295),
  communities: list(
    'Communities of the routes: 65000:1, large:1:2:3, or a name that a Community defines.',
    text('One community.', { minLength: 1 }),
  ),
  peers: names('Names of the BGPPeers that are told; all when left out.'),
};

export const poolReferences: Record<string, SchemaNode> = {
  ipAddressPools: names('Pools by name.'),
  ipAddressPoolSelectors: selectors('Pools by label; all pools when neither this nor ipAddressPools is given.'),
};
