// Writes over HTTP: names, versions, generations, status, patches, apply, validation.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, configMap, deployment, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const CONFIG = '/api/v1/namespaces/default/configmaps';
const DEPLOY = '/apis/apps/v1/namespaces/default/deployments';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('create', () => {
  it('fills in what the server owns', async () => {
    const { code, body } = await api.call('POST', CONFIG, {
      body: configMap('first', {
        metadata: { name: 'first', uid: 'mine', deletionTimestamp: '2020-01-01T00:00:00Z', generation: 9 },
        data: { a: '1' },
      }),
    });
    expect(code).toBe(201);
    expect(body).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    expect(at(body, 'metadata', 'uid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(at(body, 'metadata', 'creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(at(body, 'metadata', 'resourceVersion')).toMatch(/^\d+$/);
    expect(body.metadata).not.toHaveProperty('deletionTimestamp');
    expect(body.metadata).not.toHaveProperty('generation');
    expect(await api.ok('GET', `${CONFIG}/first`)).toEqual(body);
  });

  it('refuses a second object of the name', async () => {
    await api.ok('POST', CONFIG, { body: configMap('twice') });
    const { code, body } = await api.call('POST', CONFIG, { body: configMap('twice') });
    expect(code).toBe(409);
    expect(body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
      details: { name: 'twice', kind: 'configmaps' },
    });
  });

  it('makes a name from generateName', async () => {
    const body = await api.ok('POST', CONFIG, {
      body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { generateName: 'gen-' } },
    });
    expect(at(body, 'metadata', 'name')).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(at(body, 'metadata', 'generateName')).toBe('gen-');
  });

  it('wants a name', async () => {
    const { code, body } = await api.call('POST', CONFIG, { body: { kind: 'ConfigMap', apiVersion: 'v1' } });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    );
  });

  it('holds namespace, kind and version of the data against the path', async () => {
    const wrong = async (body: Json) => (await api.call('POST', CONFIG, { body })).body.message;
    expect(await wrong(configMap('x', { metadata: { name: 'x', namespace: 'other' } }))).toBe(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
    expect(await wrong({ ...configMap('x'), apiVersion: 'v2' })).toBe(
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    );
  });

  it('needs the namespace to be there', async () => {
    const { code, body } = await api.call('POST', '/api/v1/namespaces/nowhere/configmaps', { body: configMap('x') });
    expect(code).toBe(404);
    expect(body.message).toBe('namespaces "nowhere" not found');
  });

  it('reads YAML', async () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  a: "1"\n';
    const body = await api.ok('POST', CONFIG, { body: text, type: 'application/yaml' });
    expect(body.data).toEqual({ a: '1' });
  });

  it('refuses what it cannot read', async () => {
    expect((await api.call('POST', CONFIG, { body: '{', type: 'application/json' })).code).toBe(400);
    expect((await api.call('POST', CONFIG, { body: '[]', type: 'application/json' })).code).toBe(400);
    const protobuf = await api.call('POST', CONFIG, { body: 'k8s', type: 'application/vnd.kubernetes.protobuf' });
    expect(protobuf.code).toBe(400);
    const cbor = await api.call('POST', CONFIG, { body: '-', type: 'application/cbor' });
    expect(cbor.code).toBe(415);
    expect(cbor.body.reason).toBe('UnsupportedMediaType');
    const large = JSON.stringify(configMap('large', { data: { a: 'x'.repeat(4 * 1024 * 1024) } }));
    expect((await api.call('POST', CONFIG, { body: large })).code).toBe(413);
  });

  it('writes nothing in a dry run', async () => {
    const body = await api.ok('POST', `${CONFIG}?dryRun=All`, { body: configMap('dry') });
    expect(at(body, 'metadata', 'uid')).toBeDefined();
    expect(body.metadata).not.toHaveProperty('resourceVersion');
    expect((await api.call('GET', `${CONFIG}/dry`)).code).toBe(404);
  });
});

describe('field validation', () => {
  const withTypo = () => deployment('typo', { replica: 3 });

  it('warns by default and drops what it does not know', async () => {
    const { code, body, headers } = await api.call('POST', DEPLOY, { body: withTypo() });
    expect(code).toBe(201);
    expect(headers.warning).toBe('299 - "unknown field \\"spec.replica\\""');
    expect(body.spec).not.toHaveProperty('replica');
  });

  it('warns of any name in any script', async () => {
    const { code, headers } = await api.call('POST', `${CONFIG}?dryRun=All`, {
      body: configMap('script', { 'щит "x"\u0007': 1 }),
    });
    expect(code).toBe(201);
    expect(Buffer.from(String(headers.warning), 'latin1').toString('utf8')).toContain('unknown field');
  });

  it('refuses when strict, and is silent when told to ignore', async () => {
    const strict = await api.call('POST', `${DEPLOY}?fieldValidation=Strict&dryRun=All`, { body: withTypo() });
    expect(strict.code).toBe(400);
    expect(strict.body.message).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica"',
    );
    const ignored = await api.call('PUT', `${DEPLOY}/typo?fieldValidation=Ignore&dryRun=All`, { body: withTypo() });
    expect(ignored.code).toBe(200);
    expect(ignored.headers.warning).toBeUndefined();
  });

  it('finds a field that stands twice', async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dup"},"data":{"a":"1"},"data":{"a":"2"}}';
    const { code, body: answer } = await api.call('POST', `${CONFIG}?fieldValidation=Strict`, { body });
    expect(code).toBe(400);
    expect(answer.message).toContain('strict decoding error: duplicate field "data"');
  });

  it('refuses a value of the wrong type whatever the level', async () => {
    const { code, body } = await api.call('POST', `${DEPLOY}?fieldValidation=Ignore`, {
      body: deployment('wrong', { replicas: 'three' }),
    });
    expect(code).toBe(400);
    expect(body.message).toContain(
      'cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field',
    );
  });

  it('names every missing or wrong field at once', async () => {
    const body = deployment('invalid', { replicas: -1, selector: undefined });
    const { code, body: answer } = await api.call('POST', DEPLOY, { body });
    expect(code).toBe(422);
    expect(answer.reason).toBe('Invalid');
    expect(answer.message).toMatch(/^Deployment\.apps "invalid" is invalid: \[?/);
    expect(at(answer, 'details', 'causes', 0, 'field')).toBeDefined();
  });
});

describe('update', () => {
  it('lets the first of two writers win', async () => {
    const first = await api.ok('POST', CONFIG, { body: configMap('race') });
    const second = await api.ok('PUT', `${CONFIG}/race`, { body: { ...first, data: { a: '1' } } });
    expect(at(second, 'metadata', 'resourceVersion')).not.toBe(at(first, 'metadata', 'resourceVersion'));
    const { code, body } = await api.call('PUT', `${CONFIG}/race`, { body: { ...first, data: { a: '2' } } });
    expect(code).toBe(409);
    expect(body).toMatchObject({
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "race": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('is unconditional without a resourceVersion, and keeps the uid', async () => {
    const first = await api.ok('POST', CONFIG, { body: configMap('free') });
    const second = await api.ok('PUT', `${CONFIG}/free`, { body: configMap('free', { data: { a: '2' } }) });
    expect(at(second, 'metadata', 'uid')).toBe(at(first, 'metadata', 'uid'));
    expect(at(second, 'metadata', 'creationTimestamp')).toBe(at(first, 'metadata', 'creationTimestamp'));
  });

  it('makes no revision of a write that changes nothing', async () => {
    const first = await api.ok('POST', CONFIG, { body: configMap('same', { data: { a: '1' } }) });
    expect(await api.ok('PUT', `${CONFIG}/same`, { body: first })).toEqual(first);
    const patched = await api.ok('PATCH', `${CONFIG}/same`, {
      body: { data: { a: '1' } },
      type: 'application/merge-patch+json',
    });
    expect(patched).toEqual(first);
  });

  it('refuses another name or a foreign uid', async () => {
    await api.ok('POST', CONFIG, { body: configMap('named') });
    const other = await api.call('PUT', `${CONFIG}/named`, { body: configMap('unnamed') });
    expect(other.body.message).toBe('the name of the object (unnamed) does not match the name on the URL (named)');
    const uid = await api.call('PUT', `${CONFIG}/named`, {
      body: configMap('named', { metadata: { name: 'named', uid: 'x' } }),
    });
    expect(uid.code).toBe(409);
    expect(uid.body.message).toContain('Precondition failed: UID in precondition: x, UID in object meta: ');
  });

  it('creates only where upstream does', async () => {
    expect((await api.call('PUT', `${CONFIG}/missing`, { body: configMap('missing') })).code).toBe(404);
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'lock' },
      spec: { holderIdentity: 'me' },
    };
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/lock';
    const created = await api.call('PUT', path, { body: lease });
    expect(created.code).toBe(201);
    const blind = await api.call('PUT', path, { body: lease });
    expect(blind.code).toBe(422);
    expect(blind.body.message).toContain('metadata.resourceVersion: Invalid value');
    expect((await api.call('PUT', path, { body: created.body })).code).toBe(200);
  });

  it('survives many writers without a resourceVersion', async () => {
    await api.ok('POST', CONFIG, { body: configMap('busy', { data: {} }) });
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        api.ok('PATCH', `${CONFIG}/busy`, {
          body: { data: { [`k${index}`]: 'x' } },
          type: 'application/merge-patch+json',
        }),
      ),
    );
    const { data } = await api.ok('GET', `${CONFIG}/busy`);
    expect(Object.keys(data as Json)).toHaveLength(20);
  });
});

describe('status and generation', () => {
  it('keeps status and spec apart, and counts changes of the spec', async () => {
    const created = await api.ok('POST', DEPLOY, { body: { ...deployment('web'), status: { replicas: 9 } } });
    expect(at(created, 'metadata', 'generation')).toBe(1);
    expect(created.status).toEqual({});
    const status = await api.ok('PUT', `${DEPLOY}/web/status`, {
      body: {
        ...created,
        spec: { ...(created.spec as Json), replicas: 7 },
        status: { replicas: 1, observedGeneration: 1 },
      },
    });
    expect(status.status).toMatchObject({ replicas: 1 });
    expect(at(status, 'spec', 'replicas')).toBe(1);
    expect(at(status, 'metadata', 'generation')).toBe(1);
    const spec = await api.ok('PUT', `${DEPLOY}/web`, {
      body: { ...status, spec: { ...(created.spec as Json), replicas: 3 }, status: { replicas: 5 } },
    });
    expect(at(spec, 'metadata', 'generation')).toBe(2);
    expect(spec.status).toMatchObject({ replicas: 1 });
    const labelled = await api.ok('PATCH', `${DEPLOY}/web`, {
      body: { metadata: { labels: { a: 'b' } } },
      type: 'application/merge-patch+json',
    });
    expect(at(labelled, 'metadata', 'generation')).toBe(2);
  });
});

describe('patch', () => {
  it('applies all three kinds', async () => {
    await api.ok('POST', DEPLOY, { body: deployment('patched') });
    const json = await api.ok('PATCH', `${DEPLOY}/patched`, {
      body: [{ op: 'replace', path: '/spec/replicas', value: 4 }],
      type: 'application/json-patch+json',
    });
    expect(at(json, 'spec', 'replicas')).toBe(4);
    const merge = await api.ok('PATCH', `${DEPLOY}/patched`, {
      body: { metadata: { annotations: { note: 'x' } } },
      type: 'application/merge-patch+json',
    });
    expect(at(merge, 'metadata', 'annotations')).toEqual({ note: 'x' });
    const strategic = await api.ok('PATCH', `${DEPLOY}/patched`, {
      body: { spec: { template: { spec: { containers: [{ name: 'main', image: 'two' }] } } } },
      type: 'application/strategic-merge-patch+json',
    });
    expect(at(strategic, 'spec', 'template', 'spec', 'containers', 0)).toMatchObject({ name: 'main', image: 'two' });
    expect(at(strategic, 'spec', 'template', 'spec', 'containers', 0, 'imagePullPolicy')).toBeDefined();
  });

  it('honours a resourceVersion in the patch', async () => {
    await api.ok('POST', CONFIG, { body: configMap('guarded') });
    const { code } = await api.call('PATCH', `${CONFIG}/guarded`, {
      body: { metadata: { resourceVersion: '1' }, data: { a: '1' } },
      type: 'application/merge-patch+json',
    });
    expect(code).toBe(409);
  });

  it('refuses other content types and missing objects', async () => {
    expect((await api.call('PATCH', `${CONFIG}/guarded`, { body: {}, type: 'application/json' })).code).toBe(415);
    const missing = await api.call('PATCH', `${CONFIG}/absent`, { body: {}, type: 'application/merge-patch+json' });
    expect(missing.code).toBe(404);
  });
});

describe('server-side apply', () => {
  const apply = (manager: string, data: Json, extra = '') =>
    api.call('PATCH', `${CONFIG}/applied?fieldManager=${manager}${extra}`, {
      body: configMap('applied', { data }),
      type: 'application/apply-patch+yaml',
    });

  it('creates, merges, names conflicts and forces', async () => {
    expect((await apply('one', { a: '1', b: '1' })).code).toBe(201);
    const again = await apply('one', { a: '1', b: '1' });
    expect(again.code).toBe(200);
    const other = await apply('two', { c: '2' });
    expect(other.body.data).toEqual({ a: '1', b: '1', c: '2' });
    const clash = await apply('two', { a: '2', c: '2' });
    expect(clash.code).toBe(409);
    expect(at(clash.body, 'details', 'causes', 0)).toMatchObject({ reason: 'FieldManagerConflict', field: '.data.a' });
    expect((await apply('two', { a: '2', c: '2' }, '&force=true')).body.data).toEqual({ a: '2', b: '1', c: '2' });
    // What only this manager had, and no longer applies, goes.
    expect((await apply('one', {})).body.data).toEqual({ a: '2', c: '2' });
    const managers = at((await api.call('GET', `${CONFIG}/applied`)).body, 'metadata', 'managedFields') as Json[];
    expect(managers.map((entry) => `${entry.manager} ${entry.operation}`)).toContain('two Apply');
  });

  it('wants a field manager', async () => {
    const { code, body } = await api.call('PATCH', `${CONFIG}/applied`, {
      body: configMap('applied'),
      type: 'application/apply-patch+yaml',
    });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  });

  it('wants the type of what is applied, and force for nothing else', async () => {
    const type = 'application/apply-patch+yaml';
    const untyped = await api.call('PATCH', `${CONFIG}/applied?fieldManager=me`, { body: { data: {} }, type });
    expect(untyped.code).toBe(400);
    expect(untyped.body.message).toBe(
      'the object to apply is of no type (set apiVersion and kind), but the URL is of v1 ConfigMap',
    );
    const forced = await api.call('PATCH', `${CONFIG}/applied?force=true`, {
      body: {},
      type: 'application/merge-patch+json',
    });
    expect(forced.code).toBe(422);
    expect(forced.body.message).toContain('force: Forbidden: may not be specified for non-apply patch');
  });

  it('owns what a client sent and nothing that the server allocated', async () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'owned' }, spec: { ports: [{ port: 80 }] } };
    const body = await api.ok('POST', '/api/v1/namespaces/default/services?fieldManager=me', { body: service });
    const spec = at(body, 'metadata', 'managedFields', 0, 'fieldsV1', 'f:spec');
    expect(spec).toHaveProperty('f:ports');
    expect(spec).not.toHaveProperty('f:clusterIP');
  });
});
