// The definition of AddressPool, the resource in which we are told which addresses Services may have.
// Data only; what its fields mean for Services is traffic/model/pools and docs/load-balancer.md.
import { bgpFields, l2Fields, scopeFields } from './announcement-schemas.ts';
import {
  type Definition,
  defineResource,
  flag,
  list,
  names,
  object,
  poolCounts,
  rule,
  selectors,
  text,
  whole,
} from './schema-parts.ts';

const bgpOnly = Object.keys(bgpFields).map((field) => `!has(self.${field})`);
const l2Only = Object.keys(l2Fields).map((field) => `!has(self.${field})`);

export const addressPoolDefinition: Definition = defineResource({
  group: 'evenkeel.dev',
  version: 'v1alpha1',
  kind: 'AddressPool',
  plural: 'addresspools',
  shortNames: ['lbpool'],
  namespaced: false,
  about: 'Addresses for Services of type LoadBalancer, for whom they are, and how they are made known.',
  spec: object(
    'What the pool holds, and for whom.',
    {
      addresses: list(
        'CIDR blocks (192.0.2.0/24) and ranges (192.0.2.10-192.0.2.20) of either family.',
        text('A block or a range.', {
          maxLength: 96,
          pattern: '^\\s*[0-9a-fA-F.:]+\\s*(/\\s*[0-9]{1,3}|-\\s*[0-9a-fA-F.:]+)\\s*$',
          ...rule(
            "self.contains('-') ? self.split('-', 2).all(part, isIP(part.trim())) : isCIDR(self.trim())",
            'must be a CIDR block such as 192.0.2.0/24, or a range such as 192.0.2.10-192.0.2.20',
          ),
        }),
        { minItems: 1, maxItems: 1024 },
      ),
      autoAssign: flag('Whether Services that do not ask for this pool may get an address of it.', true),
      avoidBuggyIPs: flag('Leaves out IPv4 addresses that end in .0 and .255, which some old routers drop.', false),
      allocation: object('For which Services the pool is; for all when left out. Such pools are tried first.', {
        priority: whole('Pools with the lowest number are tried first; 0 comes last.', 0, 2_147_483_647),
        namespaces: names('Namespaces of the Services.'),
        namespaceSelectors: selectors('Labels of their namespaces, beside those named.'),
        serviceSelectors: selectors('Labels of the Services.'),
      }),
      announce: list(
        'How the addresses are made known; by layer 2 from every node when left out, not at all when empty.',
        object(
          'One way.',
          {
            protocol: text('l2 (ARP and NDP) or bgp.', { enum: ['l2', 'bgp'] }),
            ...scopeFields,
            ...l2Fields,
            ...bgpFields,
          },
          {
            required: ['protocol'],
            'x-kubernetes-validations': [
              {
                rule: `self.protocol == 'bgp' || (${bgpOnly.join(' && ')})`,
                message: `${Object.keys(bgpFields).join(', ')} are for protocol bgp`,
              },
              {
                rule: `self.protocol == 'l2' || (${l2Only.join(' && ')})`,
                message: `${Object.keys(l2Fields).join(', ')} are for protocol l2`,
              },
            ],
          },
        ),
        { maxItems: 64 },
      ),
    },
    { required: ['addresses'] },
  ),
  status: object('What is given out, and what is wrong.', {
    ...poolCounts,
    conditions: list(
      'Ready is False with the reason when something of the pool cannot be used.',
      object(
        'A condition.',
        {
          type: text('Ready.'),
          status: text('True, False or Unknown.', { enum: ['True', 'False', 'Unknown'] }),
          reason: text('For programs.'),
          message: text('For people.'),
          lastTransitionTime: text('Since when.', { format: 'date-time' }),
          observedGeneration: whole('Generation of the pool that it is about.', 0, Number.MAX_SAFE_INTEGER),
        },
        { required: ['type', 'status'] },
      ),
      { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
    ),
  }),
  columns: [
    ['Addresses', 'string', '.spec.addresses'],
    ['Auto Assign', 'boolean', '.spec.autoAssign'],
    ['Announce', 'string', '.spec.announce[*].protocol', 1],
    ['Assigned', 'integer', '.status.assignedIPv4'],
    ['Free', 'integer', '.status.availableIPv4'],
    ['Assigned v6', 'integer', '.status.assignedIPv6', 1],
    ['Ready', 'string', '.status.conditions[?(@.type=="Ready")].status'],
  ],
});
