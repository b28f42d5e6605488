// APIService of apiregistration.k8s.io: who serves a group and version of the API in place of this server.
// Knows the kind's form; what becomes of one is aggregator.ts. (Upstream: kube-aggregator, pkg/apis/apiregistration/v1.)
import { invalid } from '#kube/api/status.ts';
import { ageColumn, column, nameColumn, nameOf, objectAge, printer } from '#kube/api/table/printer.ts';
import { type ServedVersion, servedVersions } from '../crd/custom-resource.ts';
import { type AnyObject, dig, digArray, digString } from '../registry/any-object.ts';

export const GROUP = 'apiregistration.k8s.io';
export const RESOURCE = 'apiservices';

const text = (description: string, more: object = {}): object => ({ type: 'string', description, ...more });
const number = (description: string, minimum: number, maximum: number): object => ({
  type: 'integer',
  format: 'int32',
  description,
  minimum,
  maximum,
});

const spec = {
  type: 'object',
  description: 'Which group and version, and who serves it.',
  required: ['groupPriorityMinimum', 'versionPriority'],
  properties: {
    group: text('Name of the group.'),
    version: text('Name of the version.'),
    groupPriorityMinimum: number('Groups with a higher one come first in discovery.', 1, 20_000),
    versionPriority: number('Versions with a higher one come first within the group.', 1, 1000),
    insecureSkipTLSVerify: { type: 'boolean', description: 'Takes any certificate of the server; not for production.' },
    caBundle: text('Authority of the server’s certificate, PEM.', { format: 'byte' }),
    service: {
      type: 'object',
      description: 'Where the server is; left out, this server serves the group itself.',
      properties: {
        namespace: text('Namespace of the Service.'),
        name: text('Name of the Service.'),
        port: { type: 'integer', format: 'int32', description: 'Port of the Service.', default: 443 },
      },
    },
  },
};

const condition = {
  type: 'object',
  required: ['type', 'status'],
  properties: {
    type: text('Available.'),
    status: text('True, False or Unknown.'),
    reason: text('Why, in one word.'),
    message: text('Why.'),
    lastTransitionTime: text('Since when.', { format: 'date-time' }),
  },
};

const definition: AnyObject = {
  metadata: { name: `${RESOURCE}.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Cluster',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'Who serves a group and version of the API.',
            required: ['spec'],
            properties: {
              apiVersion: text('Version of the schema.'),
              kind: text('Kind of the object.'),
              metadata: { type: 'object' },
              spec,
              status: {
                type: 'object',
                description: 'Whether it can be reached.',
                properties: {
                  conditions: {
                    type: 'array',
                    description: 'Available is the one there is.',
                    items: condition,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
  status: {
    acceptedNames: { plural: RESOURCE, singular: 'apiservice', kind: 'APIService', categories: ['api-extensions'] },
  },
} as AnyObject;

/** As kube-aggregator prints it. */
const columns = printer(
  [
    nameColumn,
    column('Service', 'The Service that serves it, or Local for this server'),
    column('Available', 'Whether it can be asked, and why not'),
    ageColumn,
  ],
  (object: AnyObject, now) => {
    const service = dig(object, 'spec', 'service');
    const conditions = digArray(object, 'status', 'conditions');
    const found = conditions.find((each) => digString(each, 'type') === 'Available');
    const status = digString(found, 'status');
    const available = status === 'True' ? status : `${status || 'Unknown'} (${digString(found, 'reason')})`;
    return [
      nameOf(object),
      service === undefined ? 'Local' : `${digString(service, 'namespace')}/${digString(service, 'name')}`,
      found === undefined ? 'Unknown' : available,
      objectAge(object, now),
    ];
  },
);

/** As a resource of this server, whose form is told like that of a custom one. */
export function apiServices(): ServedVersion {
  const [served] = servedVersions(definition);
  if (served === undefined) throw new Error('The definition of APIService serves no version');
  return {
    ...served,
    custom: { ...served.custom, printer: columns },
    strategy: { ...served.strategy, initialStatus: {}, prepareForCreate: validate, prepareForUpdate: validate },
  };
}

/** Upstream's ValidateAPIService, as far as no schema says it. */
function validate(object: AnyObject): void {
  const name = object.metadata?.name ?? '';
  const wanted = `${digString(object, 'spec', 'version')}.${digString(object, 'spec', 'group')}`;
  const causes: [field: string, message: string][] = [];
  if (name !== wanted) {
    causes.push(['metadata.name', `Invalid value: "${name}": must be \`spec.version+"."+spec.group\`: "${wanted}"`]);
  }
  const service = dig(object, 'spec', 'service');
  if (service !== undefined) {
    for (const field of ['namespace', 'name']) {
      if (digString(service, field) === '') causes.push([`spec.service.${field}`, 'Required value']);
    }
    if (dig(object, 'spec', 'insecureSkipTLSVerify') === true && digString(object, 'spec', 'caBundle') !== '') {
      causes.push(['spec.insecureSkipTLSVerify', 'Invalid value: true: may not be true if caBundle is present']);
    }
  }
  if (causes.length === 0) return;
  const all = causes.map(([field, message]) => ({
    field,
    message,
    reason: message.startsWith('Required') ? 'FieldValueRequired' : 'FieldValueInvalid',
  }));
  throw invalid(GROUP, 'APIService', name, all);
}
