// A real API server under requests by chance, and what must hold after each: an answer in time, that says what it is.
// Knows the server by its port; what is sent comes from requests.ts.
import { Agent, request as send } from 'node:https';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { apiVersionOf, builtinResources } from '#kube/api/resources.ts';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import { startTestServer, type TestServer } from '../../../src/kube/apiserver/testing.ts';
import type { Random } from '../random.ts';
import type { Finding } from '../requests.ts';
import { custom, type FuzzRequest, randomRequest } from './requests.ts';

/** How long an answer may take before it counts as hanging; watches are cut off by the client long before. */
const PATIENCE_MS = 20_000;
/** What a watch has to say, it has said by then. */
const WATCH_MS = 50;
const MEGABYTE = 1024 * 1024;

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

type Outcome = Answer | 'hangs' | 'cut off';

export class ApiServerRig {
  readonly #store = createMemoryStore();
  /** What the server logged as an error, by the path that was asked for. */
  readonly #errors: { readonly path: string; readonly text: string }[] = [];
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 16 });
  #server: TestServer | undefined;
  #baseline = 0;
  cases = 0;
  /** How often requests were answered so: a run that is refused everything shows nothing. */
  readonly codes = new Map<string, number>();

  async start(): Promise<void> {
    this.#server = await startTestServer({ store: this.#store, log: this.#log(), withoutRootCa: true });
    await this.#define();
  }

  /** Sends one request; what is wrong with what came of it, if anything. */
  async ask(random: Random): Promise<Finding | undefined> {
    const request = randomRequest(random);
    this.cases += 1;
    const outcome = await this.#send(request);
    const code = typeof outcome === 'string' ? outcome : String(outcome.code);
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    const detail = wrongWith(request, outcome, this.#failed(request.path));
    return detail === undefined ? undefined : { law: detail.law, detail: detail.text, input: curl(request) };
  }

  /** Whether everything that is stored can be read in every form, and is gone once it is deleted. */
  async sweep(): Promise<Finding | undefined> {
    for (const target of [...builtinResources, custom]) {
      if (!target.verbs.includes('list')) continue;
      const path = `${target.group === '' ? '/api' : '/apis'}/${apiVersionOf(target)}/${target.resource}`;
      for (const accept of [
        'application/json',
        'application/yaml',
        'application/json;as=Table;g=meta.k8s.io;v=v1',
        ...(target === custom ? [] : ['application/vnd.kubernetes.protobuf']),
      ]) {
        const outcome = await this.#send({ method: 'GET', path, headers: { accept }, body: '' });
        const code = typeof outcome === 'string' ? outcome : outcome.code;
        if (code !== 200)
          return {
            law: 'What is stored can be read',
            detail: `${path} as ${accept}: ${JSON.stringify(outcome)}`,
            input: '',
          };
      }
    }
    await this.#empty();
    const [error] = this.#errors.splice(0);
    return error === undefined ? undefined : { law: 'Nothing fails inside', detail: error.text, input: '' };
  }

  /** What went wrong within the request for `path`: other lanes have theirs. */
  #failed(path: string): string | undefined {
    const index = this.#errors.findIndex((error) => error.path === path);
    return index < 0 ? undefined : this.#errors.splice(index, 1)[0]?.text;
  }

  /** Notes the memory in use now as what later figures are compared with. */
  settle(): void {
    this.#baseline = heap();
  }

  /** Megabytes beyond the baseline, once everything has been deleted. */
  growth(): number {
    return (heap() - this.#baseline) / MEGABYTE;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#server?.close();
    await this.#store.close();
  }

  async #empty(): Promise<void> {
    for (const target of [...builtinResources, custom]) {
      if (!target.verbs.includes('delete') || target.resource === 'namespaces') continue;
      if (/^(flowschemas|prioritylevelconfigurations|servicecidrs|ipaddresses|clusterrole|role)/.test(target.resource))
        continue;
      const root = target.group === '' ? '/api' : '/apis';
      const path = `${root}/${apiVersionOf(target)}`;
      const listed = await this.#send({ method: 'GET', path: `${path}/${target.resource}`, headers: {}, body: '' });
      if (typeof listed === 'string' || listed.code !== 200) continue;
      const { items = [] } = JSON.parse(listed.body) as {
        items?: { metadata?: { name?: string; namespace?: string } }[];
      };
      for (const { metadata: { name = '', namespace } = {} } of items) {
        if (target.resource === 'customresourcedefinitions' && name.startsWith('things.')) continue;
        const own = `${path}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${target.resource}/${name}`;
        const json = { 'content-type': 'application/merge-patch+json' };
        await this.#send({ method: 'PATCH', path: own, headers: json, body: '{"metadata":{"finalizers":null}}' });
        await this.#send({ method: 'DELETE', path: `${own}?gracePeriodSeconds=0`, headers: {}, body: '' });
      }
    }
    await this.#store.compact(this.#store.revision());
  }

  #send({ method, path, headers, body }: FuzzRequest): Promise<Outcome> {
    return new Promise((resolve) => {
      const { port = 0, adminToken = '' } = this.#server ?? {};
      const all = {
        ...headers,
        authorization: `Bearer ${adminToken}`,
        ...(body === '' ? {} : { 'content-length': body.length }),
      };
      const sent = send({ host: '127.0.0.1', port, method, path, headers: all, agent: this.#agent });
      const end = (outcome: Outcome): void => {
        clearTimeout(patience);
        resolve(outcome);
        if (outcome === 'hangs') sent.destroy();
      };
      const patience = setTimeout(() => end('hangs'), PATIENCE_MS);
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection in the moment that it was chosen for this.
        if (sent.reusedSocket && error.code === 'ECONNRESET') {
          clearTimeout(patience);
          resolve(this.#send({ method, path, headers, body }));
        } else end('cut off');
      });
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        const whole = (): void => {
          const encoded = response.headers['content-encoding'] !== undefined;
          const text = encoded ? '' : Buffer.concat(chunks).toString('utf8');
          end({ code: response.statusCode ?? 0, type: String(response.headers['content-type']), body: text });
        };
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', whole);
        response.on('error', () => end('cut off'));
        if (response.headers['content-length'] !== undefined) return;
        setTimeout(() => {
          whole();
          sent.destroy();
        }, WATCH_MS);
      });
      sent.end(body, 'latin1');
    });
  }

  /** A kind of its own with lists of each type, rules and defaults. */
  async #define(): Promise<void> {
    const text = { type: 'string' };
    const port = {
      type: 'object',
      required: ['port'],
      properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, name: text },
    };
    const properties = {
      replicas: { type: 'integer', minimum: 0 },
      name: {
        ...text,
        maxLength: 20,
        'x-kubernetes-validations': [{ rule: "self != 'c'" }, { rule: 'self == oldSelf' }],
      },
      port: { 'x-kubernetes-int-or-string': true },
      free: { type: 'object', additionalProperties: text },
      tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
      ports: {
        type: 'array',
        items: port,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['port', 'protocol'],
      },
      any: { 'x-kubernetes-preserve-unknown-fields': true },
    };
    const part = { type: 'object', properties };
    const version = {
      name: 'v1',
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: part, status: part } } },
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
      },
      additionalPrinterColumns: [{ name: 'Port', type: 'string', jsonPath: '.spec.ports[0].port' }],
      selectableFields: [{ jsonPath: '.spec.name' }],
    };
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${custom.resource}.${custom.group}` },
      spec: {
        group: custom.group,
        scope: 'Namespaced',
        names: { plural: custom.resource, kind: custom.kind },
        versions: [version],
      },
    };
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const made = await this.#send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(definition),
    });
    if (typeof made === 'string' || made.code !== 201)
      throw new Error(`The definition was not taken: ${JSON.stringify(made)}`);
  }

  #log(): Logger {
    const logger: Logger = {
      ...silentLogger,
      error: (fields, message) =>
        void this.#errors.push({ path: pathOf(fields), text: `${message} ${inspectError(fields)}` }),
      child: () => logger,
    };
    return logger;
  }
}

function pathOf(fields: unknown): string {
  return String((fields as { path?: unknown }).path);
}

function inspectError(fields: unknown): string {
  const { error, ...rest } = fields as { error?: unknown };
  return `${JSON.stringify(rest)} ${error instanceof Error ? error.stack : JSON.stringify(error)}`;
}

/** What breaks a law about one answer. */
export function wrongWith(
  request: FuzzRequest,
  outcome: Outcome,
  error: string | undefined,
): { law: string; text: string } | undefined {
  // By the place that fails: one finding for each is enough to go on with.
  if (error !== undefined) return { law: `Nothing fails inside: ${/at .*/.exec(error)?.[0] ?? ''}`, text: error };
  if (outcome === 'hangs') return { law: 'Every request is answered', text: 'no answer in time' };
  if (outcome === 'cut off') return { law: 'No connection is cut off', text: 'no answer' };
  const { code, type, body } = outcome;
  const text = `${code} ${type} ${body.slice(0, 1500)}`;
  if (code === 500 || code < 200 || code > 504) return { law: 'Nobody causes an internal error', text };
  if (request.method === 'HEAD' || body === '') return undefined;
  if (!type.startsWith('application/json') || body.includes('\n{')) return undefined;
  let parsed: { kind?: unknown; code?: unknown; message?: unknown };
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch {
    return { law: 'An answer is what its type says', text };
  }
  if (code < 400) return undefined;
  const told =
    parsed.kind === 'Status' && parsed.code === code && typeof parsed.message === 'string' && parsed.message !== '';
  return told ? undefined : { law: 'A failure is a Status that says why', text };
}

/** For a person to send again. */
function curl({ method, path, headers, body }: FuzzRequest): string {
  const given = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`);
  return `${method} ${path}${given.join('')} ${JSON.stringify(body)}`;
}

let collect: (() => void) | undefined;

/** Bytes that are reachable. */
function heap(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
