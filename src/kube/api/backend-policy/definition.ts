// The definition of BackendPolicy, made of the table of its settings.
// Data only; what the settings do is traffic/model/policy and docs/policies.md.
import { parentReference } from '../gateway/route-parts.ts';
import {
  ATOMIC,
  conditions,
  controllerName,
  groupName,
  named,
  oneOf,
  rules,
  sectionName,
} from '../gateway/schema-parts.ts';
import { type Definition, defineResource, list, object, type SchemaNode } from '../load-balancer/schema-parts.ts';
import { DURATION, durationText, type SettingField, type SettingType } from './field.ts';
import { settingFields } from './fields.ts';
import { groupRules } from './rules.ts';

const GROUPS: Readonly<Record<string, string>> = {
  balancing: 'How an endpoint is picked.',
  'balancing.hashBy': 'What ring_hash and maglev hash; the address of the client when left out.',
  sessionAffinity: 'A client stays with its endpoint.',
  locality: 'Endpoints that come first by where they are.',
  healthCheck: 'The gateway asks each endpoint for its health.',
  outlierDetection: 'Endpoints that fail are left out for a while.',
  circuitBreaker: 'Limits; beyond them requests are answered 503 at once.',
  slowStart: 'New endpoints begin with a small share.',
  timeouts: 'How long what may take; 0s is no limit.',
  retry: 'Tries that fail are repeated.',
  retryBudget: 'Retries beyond this are not made.',
};

function schemaOf({ is, about, default: usual }: SettingField): SchemaNode {
  return { ...typeSchema(is), description: about, ...(usual === undefined ? {} : { default: usual }) } as SchemaNode;
}

function typeSchema(is: SettingType): SchemaNode {
  switch (is.type) {
    case 'word':
      return { type: 'string', enum: [...is.words] } as SchemaNode;
    case 'whole':
      return { type: 'integer', format: 'int32', minimum: is.min, maximum: is.max };
    case 'choice':
      return { type: 'integer', format: 'int32', enum: [...is.numbers] } as SchemaNode;
    case 'number':
      return { type: 'number', minimum: is.min, maximum: is.max };
    case 'duration': {
      const [min, max] = [durationText(is.min), durationText(is.max)].map((text) => `duration('${text}')`);
      return {
        type: 'string',
        maxLength: 24,
        pattern: DURATION,
        ...rules([
          `duration(self) >= ${is.min === 0 ? "duration('0s')" : min} && duration(self) <= ${max}`,
          `must be a duration from ${is.min === 0 ? '0s' : durationText(is.min)} to ${durationText(is.max)}`,
        ]),
      } as SchemaNode;
    }
    case 'flag':
      return { type: 'boolean' };
    case 'text':
      return { type: 'string', minLength: 1, maxLength: is.maxLength, pattern: is.pattern };
    case 'list':
      return { type: 'array', items: typeSchema(is.of), minItems: 1, maxItems: is.most, ...ATOMIC } as SchemaNode;
    case 'labels':
      return {
        type: 'object',
        minProperties: 1,
        maxProperties: 16,
        additionalProperties: { type: 'string', maxLength: 63 },
      };
  }
}

/** The settings below `group`, and the groups in it. */
function groupSchema(group: string): SchemaNode {
  const inside = group === '' ? '' : `${group}.`;
  const properties: Record<string, SchemaNode> = {};
  const required: string[] = [];
  for (const field of settingFields.filter(({ path }) => path.startsWith(inside))) {
    const [name = '', ...deeper] = field.path.slice(inside.length).split('.');
    if (deeper.length > 0) properties[name] ??= groupSchema(`${inside}${name}`);
    else {
      properties[name] = schemaOf(field);
      if (field.required === true) required.push(name);
    }
  }
  const own = groupRules.filter((rule) => rule.group === group);
  return object(GROUPS[group] ?? '', properties, {
    ...(required.length === 0 ? {} : { required }),
    ...(own.length === 0 ? {} : rules(...own.map(({ cel, message }) => [cel, message] as const))),
  });
}

const section = (one: string): string => `(has(${one}.sectionName) ? ${one}.sectionName : '')`;
const sameTarget = `a.kind == b.kind && a.name == b.name && ${section('a')} == ${section('b')}`;

const targetRefs = list(
  'What the policy is for, in its own namespace.',
  object(
    'A Service, an HTTPRoute or a GRPCRoute.',
    {
      group: groupName('API group; empty for Services, gateway.networking.k8s.io for routes.'),
      kind: oneOf('Kind.', 'Service', 'HTTPRoute', 'GRPCRoute'),
      name: named('Name.'),
      sectionName: sectionName(
        'Name of a port of the Service (its number when it has no name), or of a rule of the route; all of them when left out.',
      ),
    },
    {
      required: ['group', 'kind', 'name'],
      ...rules([
        "self.kind == 'Service' ? self.group == '' : self.group == 'gateway.networking.k8s.io'",
        'group must be empty for kind Service, and gateway.networking.k8s.io for HTTPRoute and GRPCRoute',
      ]),
    },
  ),
  {
    minItems: 1,
    maxItems: 16,
    ...ATOMIC,
    ...rules([`self.all(a, self.exists_one(b, ${sameTarget}))`, 'each target must stand here once']),
  },
);

const settings = groupSchema('');
const groups = Object.keys(settings.properties ?? {});

export const backendPolicyDefinition: Definition = ((definition: Definition): Definition => ({
  ...definition,
  metadata: { ...definition.metadata, labels: { 'gateway.networking.k8s.io/policy': 'Direct' } },
}))(
  defineResource({
    group: 'evenkeel.dev',
    version: 'v1alpha1',
    kind: 'BackendPolicy',
    plural: 'backendpolicies',
    shortNames: ['bpol'],
    namespaced: true,
    about: 'How requests are balanced over the endpoints of Services, and what guards these.',
    spec: object(
      'For whom, and what. A policy for a rule comes before one for its route, then those for a port and for a Service.',
      { targetRefs, ...settings.properties },
      {
        required: ['targetRefs'],
        ...rules([
          groups.map((group) => `has(self.${group})`).join(' || '),
          `must say at least one of ${groups.join(', ')}`,
        ]),
      },
    ),
    status: object('What became of it.', {
      ancestors: list(
        'One entry a target.',
        object(
          'What became of it at one target.',
          {
            ancestorRef: parentReference,
            controllerName: controllerName('Who wrote this entry.'),
            conditions: conditions({ minItems: 1 }),
          },
          { required: ['ancestorRef', 'conditions', 'controllerName'] },
        ),
        { maxItems: 16, ...ATOMIC },
      ),
    }),
    columns: [
      ['Kind', 'string', '.spec.targetRefs[*].kind'],
      ['Target', 'string', '.spec.targetRefs[*].name'],
      ['Policy', 'string', '.spec.balancing.policy'],
      ['Accepted', 'string', '.status.ancestors[*].conditions[?(@.type=="Accepted")].status'],
      ['Reason', 'string', '.status.ancestors[*].conditions[?(@.type=="Accepted")].reason', 1],
    ],
  }),
);

/** How it is addressed. */
export const backendPolicyResource = {
  group: 'evenkeel.dev',
  version: 'v1alpha1',
  resource: 'backendpolicies',
  kind: 'BackendPolicy',
  namespaced: true,
} as const;
