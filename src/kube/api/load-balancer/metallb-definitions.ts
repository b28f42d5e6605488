// Definitions of the resources of metallb.io, so that what its users wrote is taken as it is.
// Data only, in our words. Upstream for names, types and limits: api/v1beta1 and api/v1beta2 of metallb.io.
import { bgpFields, l2Fields, poolReferences, scopeFields } from './announcement-schemas.ts';
import {
  type Definition,
  defineResource,
  flag,
  list,
  names,
  object,
  poolCounts,
  selectors,
  text,
  whole,
} from './schema-parts.ts';

const GROUP = { group: 'metallb.io', version: 'v1beta1', namespaced: true } as const;
const AS_NUMBER = [0, 4_294_967_295] as const;
const MILLISECONDS = [10, 60_000] as const;

const ipAddressPool = defineResource({
  ...GROUP,
  kind: 'IPAddressPool',
  plural: 'ipaddresspools',
  about: 'Addresses for Services of type LoadBalancer.',
  spec: object(
    'What the pool holds, and for whom.',
    {
      addresses: names('CIDR blocks, and ranges with a hyphen.'),
      autoAssign: flag('Whether Services that do not ask for this pool may get an address of it.', true),
      avoidBuggyIPs: flag('Leaves out IPv4 addresses that end in .0 and .255.', false),
      serviceAllocation: object('For which Services the pool is.', {
        priority: { type: 'integer', description: 'The lowest comes first; 0 comes last.' },
        namespaces: names('Namespaces of the Services.'),
        namespaceSelectors: selectors('Labels of their namespaces.'),
        serviceSelectors: selectors('Labels of the Services.'),
      }),
    },
    { required: ['addresses'] },
  ),
  status: object('What is given out.', poolCounts),
  columns: [
    ['Auto Assign', 'boolean', '.spec.autoAssign'],
    ['Avoid Buggy IPs', 'boolean', '.spec.avoidBuggyIPs'],
    ['Addresses', 'string', '.spec.addresses'],
  ],
});

const l2Advertisement = defineResource({
  ...GROUP,
  kind: 'L2Advertisement',
  plural: 'l2advertisements',
  about: 'Pools whose addresses are made known by ARP and NDP.',
  spec: object('Which pools, where and how.', { ...poolReferences, ...scopeFields, ...l2Fields }),
  columns: [
    ['IPAddressPools', 'string', '.spec.ipAddressPools'],
    ['IPAddressPool Selectors', 'string', '.spec.ipAddressPoolSelectors'],
    ['Interfaces', 'string', '.spec.interfaces'],
    ['Node Selectors', 'string', '.spec.nodeSelectors', 10],
  ],
});

const bgpAdvertisement = defineResource({
  ...GROUP,
  kind: 'BGPAdvertisement',
  plural: 'bgpadvertisements',
  about: 'Pools whose addresses are made known by BGP.',
  spec: object('Which pools, where and how.', {
    ...poolReferences,
    ...scopeFields,
    ...bgpFields,
    aggregationLength: { ...bgpFields.aggregationLength, default: 32 },
    aggregationLengthV6: { ...bgpFields.aggregationLengthV6, default: 128 },
  }),
  columns: [
    ['IPAddressPools', 'string', '.spec.ipAddressPools'],
    ['IPAddressPool Selectors', 'string', '.spec.ipAddressPoolSelectors'],
    ['Peers', 'string', '.spec.peers'],
    ['Node Selectors', 'string', '.spec.nodeSelectors', 10],
  ],
});

const bgpPeer = defineResource({
  ...GROUP,
  version: 'v1beta2',
  formerVersion: 'v1beta1',
  kind: 'BGPPeer',
  plural: 'bgppeers',
  about: 'A router that nodes speak BGP with.',
  spec: object(
    'Who it is, and how sessions with it are.',
    {
      myASN: whole('Number of our AS.', ...AS_NUMBER),
      peerASN: whole('Number of its AS; this or dynamicASN.', ...AS_NUMBER),
      dynamicASN: text('Takes any AS: internal the same as ours, external another.', {
        enum: ['internal', 'external'],
      }),
      peerAddress: text('Its address; this or interface.'),
      interface: text('Interface behind which it is found without an address.'),
      sourceAddress: text('Address to speak from.'),
      peerPort: whole('Its port.', 0, 65_535, { default: 179 }),
      holdTime: text('After this long without a word the session is over, e.g. 90s; 0 or 3 s and more.'),
      keepaliveTime: text('Time between two signs of life; a third of holdTime when left out.'),
      connectTime: text('Time between two attempts to connect, in whole seconds.'),
      routerID: text('Our router id.'),
      nodeSelectors: selectors('Nodes that speak with it: those that match one of these; all when left out.'),
      password: text('Password of TCP MD5 sessions.'),
      passwordSecret: object(
        'Secret of type kubernetes.io/basic-auth with the password.',
        { name: text('Its name.'), namespace: text('Its namespace.') },
        { 'x-kubernetes-map-type': 'atomic' },
      ),
      bfdProfile: text('BFDProfile for a session of BFD beside it.'),
      enableGracefulRestart: flag('Whether it keeps our routes while the session starts anew.'),
      ebgpMultiHop: flag('Whether it is more than one hop away.'),
      vrf: text('VRF of the host to speak from.'),
      disableMP: flag('One session carries one family only.', false),
      dualStackAddressFamily: flag('One session carries both families.', false),
      localASN: whole('Another number of ours, for this peer only.', ...AS_NUMBER),
    },
    { required: ['myASN'] },
  ),
  columns: [
    ['Address', 'string', '.spec.peerAddress'],
    ['ASN', 'string', '.spec.peerASN'],
    ['BFD Profile', 'string', '.spec.bfdProfile'],
    ['Multi Hops', 'string', '.spec.ebgpMultiHop'],
  ],
});

const community = defineResource({
  ...GROUP,
  kind: 'Community',
  plural: 'communities',
  about: 'Names for communities of BGP.',
  spec: object('The names.', {
    communities: list(
      'Names and their values.',
      object('One of them.', { name: text('The name.'), value: text('65000:1 or large:1:2:3.') }),
    ),
  }),
  columns: [],
});

const bfdProfile = defineResource({
  ...GROUP,
  kind: 'BFDProfile',
  plural: 'bfdprofiles',
  about: 'Times of BFD sessions.',
  spec: object('The times.', {
    receiveInterval: whole(
      'Least time between two packets received, in milliseconds; 300 when left out.',
      ...MILLISECONDS,
    ),
    transmitInterval: whole(
      'Least time between two packets sent, in milliseconds; 300 when left out.',
      ...MILLISECONDS,
    ),
    detectMultiplier: whole('So many missing packets are a failure.', 2, 255),
    echoInterval: whole('Least time between two echoes received, in milliseconds; 50 when left out.', ...MILLISECONDS),
    echoMode: flag('Whether echoes are sent.'),
    passiveMode: flag('Waits for the peer to begin.'),
    minimumTtl: whole('Least TTL of packets of a peer more hops away.', 1, 254),
  }),
  columns: [
    ['Passive Mode', 'boolean', '.spec.passiveMode'],
    ['Transmit Interval', 'integer', '.spec.transmitInterval'],
    ['Receive Interval', 'integer', '.spec.receiveInterval'],
    ['Multiplier', 'integer', '.spec.detectMultiplier'],
  ],
});

export const metallbDefinitions: readonly Definition[] = [
  ipAddressPool,
  l2Advertisement,
  bgpAdvertisement,
  bgpPeer,
  community,
  bfdProfile,
];
