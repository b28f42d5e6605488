// The definition of XMesh, of the Gateway API's experimental group.
// Data only; what its fields mean is traffic/model/mesh.
import {
  conditions,
  controllerName,
  type Definition,
  defineKind,
  groupName,
  kindName,
  list,
  MESH_GROUP,
  mapOf,
  named,
  namespaceName,
  object,
  pending,
  rules,
  type SchemaNode,
  text,
} from './schema-parts.ts';

const unseen = (...types: string[]): SchemaNode[] => pending(...types) as unknown as SchemaNode[];

export const meshDefinition: Definition = defineKind({
  group: MESH_GROUP,
  kind: 'XMesh',
  plural: 'xmeshes',
  shortNames: ['mesh'],
  clusterScoped: true,
  about: 'A mesh, in which routes are attached to Services, and the controller that makes it work.',
  versions: [{ name: 'v1alpha1' }],
  spec: object(
    'Who is in charge.',
    {
      controllerName: controllerName('Name of the controller.', rules(['self == oldSelf', 'Value is immutable'])),
      parametersRef: object(
        'Further settings in another object.',
        {
          group: groupName('API group.'),
          kind: kindName('Kind.'),
          name: named('Name.'),
          namespace: namespaceName('Namespace.'),
        },
        { required: ['group', 'kind', 'name'] },
      ),
      description: text('For people.', { maxLength: 64 }),
    },
    { required: ['controllerName'] },
  ),
  status: object(
    'What became of it.',
    {
      conditions: conditions({ default: unseen('Accepted', 'Programmed') as never }),
      supportedFeatures: list(
        'What the controller can do.',
        object('A feature.', { name: text('Its name.') }, { required: ['name'] }),
        { maxItems: 64, ...mapOf('name') },
      ),
    },
    { default: { conditions: unseen('Accepted') } as never },
  ),
  columns: [
    ['Accepted', 'string', '.status.conditions[?(@.type=="Accepted")].status'],
    ['Age', 'date', '.metadata.creationTimestamp'],
  ],
});
