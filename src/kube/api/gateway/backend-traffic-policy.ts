// The definition of XBackendTrafficPolicy, of the Gateway API's experimental group.
// Data only; what its fields mean is traffic/model/policy.
import { parentReference, sessionPersistence } from './route-parts.ts';
import {
  ATOMIC,
  conditions,
  controllerName,
  type Definition,
  defineKind,
  duration,
  groupName,
  integer,
  kindName,
  list,
  MESH_GROUP,
  named,
  object,
  rules,
} from './schema-parts.ts';

export const backendTrafficPolicyDefinition: Definition = defineKind({
  group: MESH_GROUP,
  kind: 'XBackendTrafficPolicy',
  plural: 'xbackendtrafficpolicies',
  shortNames: ['xbtrafficpolicy'],
  about: 'How many retries the backends of a Service may be asked for, and whether clients stay with them.',
  versions: [{ name: 'v1alpha1' }],
  spec: object(
    'For which Services, and what.',
    {
      targetRefs: list(
        'Services of this namespace.',
        object(
          'A Service.',
          { group: groupName('API group; empty for core.'), kind: kindName('Kind.'), name: named('Name.') },
          { required: ['group', 'kind', 'name'] },
        ),
        {
          minItems: 1,
          maxItems: 16,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['group', 'kind', 'name'],
        },
      ),
      retryConstraint: object('Which retries are not made: beyond both, the answer is 503.', {
        budget: object(
          'A share of the requests of the last while.',
          {
            percent: integer('Retries, in percent of those requests.', { minimum: 0, maximum: 100, default: 20 }),
            interval: {
              ...duration('How long that while is.'),
              default: '10s',
              ...rules([
                "!(duration(self) < duration('1s') || duration(self) > duration('1h'))",
                'interval cannot be greater than one hour or less than one second',
              ]),
            },
          },
          { default: { interval: '10s', percent: 20 } as never },
        ),
        minRetryRate: object(
          'Retries that are made in any case.',
          {
            count: integer('So many.', { minimum: 1, maximum: 1_000_000 }),
            interval: {
              ...duration('In so long a time.'),
              ...rules([
                "!(duration(self) == duration('0s') || duration(self) > duration('1h'))",
                'interval cannot be greater than one hour',
              ]),
            },
          },
          { default: { count: 10, interval: '1s' } as never },
        ),
      }),
      sessionPersistence,
    },
    { required: ['targetRefs'] },
  ),
  status: object(
    'What became of it.',
    {
      ancestors: list(
        'One entry a Service and controller.',
        object(
          'What became of it at one Service.',
          {
            ancestorRef: parentReference,
            controllerName: controllerName('Who wrote this entry.'),
            conditions: conditions({ minItems: 1 }),
          },
          { required: ['ancestorRef', 'conditions', 'controllerName'] },
        ),
        { maxItems: 16, ...ATOMIC },
      ),
    },
    { required: ['ancestors'] },
  ),
});
