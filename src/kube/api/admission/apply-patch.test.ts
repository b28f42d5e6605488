// Mutations of policies: what expressions may say, and what becomes of an object.
// Knows expressions and schemas; no server.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { schemaFor } from '../schema/index.ts';
import { applyConfiguration, applyJsonPatch } from './apply-patch.ts';
import { compileForAdmission } from './environment.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', labels: { a: 'b' } },
  spec: { containers: [{ name: 'app', image: 'one', env: [{ name: 'X', value: '1' }] }] },
};

function run(
  text: string,
): ReturnType<NonNullable<Extract<ReturnType<typeof compile>, { evaluate: unknown }>['evaluate']>> {
  const program = compile(text);
  if ('issue' in program) throw new Error(program.issue);
  return program.evaluate(new Map());
}
const compile = (text: string) => compileForAdmission(text, { params: false, variables: new Map(), patches: true });

function applied(text: string, object: KubeObject = pod): unknown {
  const outcome = run(text);
  if ('error' in outcome) throw outcome.error;
  return applyConfiguration(object, outcome.value, schemaFor('v1', 'Pod'));
}
function patched(text: string): unknown {
  const outcome = run(text);
  if ('error' in outcome) throw outcome.error;
  return applyJsonPatch(pod as KubeObject, outcome.value);
}

describe('an apply configuration', () => {
  it('is merged in: fields beside each other, list items by their keys', () => {
    expect(
      applied(
        `Object{
          metadata: Object.metadata{labels: {"c": "d"}},
          spec: Object.spec{
            containers: [Object.spec.containers{name: "side", image: "two"}, Object.spec.containers{name: "app", image: "three"}]
          }
        }`,
      ),
    ).toMatchObject({
      metadata: { name: 'p', labels: { a: 'b', c: 'd' } },
      spec: {
        containers: [
          { name: 'side', image: 'two' },
          { name: 'app', image: 'three', env: [{ name: 'X', value: '1' }] },
        ],
      },
    });
  });

  it('leaves out what is optional and not there', () => {
    expect(
      applied('Object{metadata: Object.metadata{?labels: optional.none(), ?annotations: optional.of({"x": "y"})}}'),
    ).toMatchObject({
      metadata: { labels: { a: 'b' }, annotations: { x: 'y' } },
    });
  });

  it.each([
    [
      'Object{spec: Object.wrong{}}',
      'type mismatch: unexpected type name "Object.wrong", expected "Object.spec", which matches field name path from root Object type',
    ],
    [
      'Object{spec: Object.spec{colour: "red"}}',
      'error applying patch: failed to convert patch object to typed object: .spec.colour: field not declared in schema',
    ],
    [
      'Object{spec: Object.spec{containers: [Object.spec.containers{name: "app", args: ["x"]}]}}',
      'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].args',
    ],
    [
      'Object{spec: Object.spec{nodeSelector: {"a": "b"}}}',
      'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.nodeSelector',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => applied(text)).toThrow(message);
  });
});

describe('a JSON patch', () => {
  it('is carried out in order, with keys escaped', () => {
    expect(
      patched(`[
        JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/x~y"), value: "z"},
        JSONPatch{op: "copy", from: "/metadata/name", path: "/spec/hostname"},
        JSONPatch{op: "replace", path: "/spec/containers/0/image", value: "two"}
      ]`),
    ).toMatchObject({
      metadata: { labels: { a: 'b', 'example.com/x~y': 'z' } },
      spec: { hostname: 'p', containers: [{ image: 'two' }] },
    });
  });

  it('may hold objects', () => {
    expect(
      patched(
        '[JSONPatch{op: "add", path: "/spec/securityContext", value: Object.spec.securityContext{runAsUser: 7}}]',
      ),
    ).toMatchObject({ spec: { securityContext: { runAsUser: 7 } } });
  });

  it('whose test fails changes nothing', () => {
    expect(
      patched(
        '[JSONPatch{op: "test", path: "/metadata/name", value: "q"}, JSONPatch{op: "remove", path: "/metadata/labels"}]',
      ),
    ).toBe(pod);
  });

  it('that does not apply is an error', () => {
    expect(() => patched('[JSONPatch{op: "remove", path: "/spec/nothing"}]')).toThrow(
      /^JSONPath: .*remove operation does not apply: doc is missing key: \/spec\/nothing/,
    );
  });
});

it.each([
  ['Other{a: 1}', "undeclared reference to 'Other' (in container '')"],
  ['JSONPatch{op: 1}', "expected type of field 'op' is 'string' but provided type is 'int'"],
  ['JSONPatch{up: "x"}', "undefined field 'up'"],
])('%s does not compile', (text, issue) => {
  const program = compile(text);
  expect('issue' in program ? program.issue : '').toContain(issue);
});

it('only mutations may write objects', () => {
  const program = compileForAdmission('Object{}', { params: false, variables: new Map() });
  expect('issue' in program ? program.issue : '').toContain("undeclared reference to 'Object'");
});
