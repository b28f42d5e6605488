// What happened to one request, as events of audit.k8s.io/v1: noted as it goes on, written when a stage is reached.
// Knows requests and the policy's verdict; nothing of files. Upstream source: apiserver/pkg/audit, endpoints/filters/audit.go.
import { randomUUID } from 'node:crypto';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { protobufMediaType } from '#kube/api/protobuf/media-type.ts';
import type { StatusError } from '#kube/api/status.ts';
import type { Upgrade } from '#kube/streaming/upgrade.ts';
import type { Clock } from '#lib/clock.ts';
import type { Attributes } from '../authz/attributes.ts';
import type { Decision } from '../authz/authorizer.ts';
import type { User } from '../http/authn.ts';
import { type Body, onBody, parseAsYaml, parseBody } from '../http/body.ts';
import { type AnyObject, isFields } from '../registry/any-object.ts';
import { userInfo } from '../subresources/user-info.ts';
import type { LineSink } from './file-sink.ts';
import { type AuditPolicy, type Stage, type Verdict, verdictOf } from './policy.ts';

export interface Audit {
  readonly policy: AuditPolicy;
  readonly sink: LineSink;
}

const NOTHING: Verdict = { level: 'None', omitStages: [], omitManagedFields: false };
const LONG = { verbs: ['watch', 'proxy'], subresources: ['attach', 'exec', 'proxy', 'log', 'portforward'] };

export class Trail {
  readonly #audit: Audit;
  readonly #clock: Clock;
  readonly #request: Http2ServerRequest;
  readonly #received: number;
  readonly #address: string | undefined;
  readonly #id: string;
  #verdict = NOTHING;
  #user: User = { name: '', groups: [] };
  #impersonated: User | undefined;
  #attributes: Attributes | undefined;
  #decision: Decision | undefined;
  readonly #annotations: Record<string, string> = {};
  #body: Body | undefined;
  #answer: unknown;
  #failure: StatusError | undefined;

  constructor(
    audit: Audit,
    clock: Clock,
    {
      request,
      response,
      upgrade,
      id,
    }: { request: Http2ServerRequest; response: Http2ServerResponse; upgrade: Upgrade | undefined; id: string },
  ) {
    this.#audit = audit;
    this.#clock = clock;
    this.#request = request;
    this.#received = clock.wall();
    // Nobody can tell once the connection is gone.
    this.#address = request.socket.remoteAddress;
    this.#id = id;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      // What was upgraded has no answer of HTTP's.
      const code = response.headersSent || upgrade === undefined ? response.statusCode : 101;
      this.#write('ResponseComplete', code);
    };
    response.once('finish', end);
    response.once('close', end);
  }

  /** Who asks for what: from here on it is known what is to be written. */
  asks(user: User, attributes: Attributes): void {
    this.#user = user;
    this.#attributes = attributes;
    this.#verdict = verdictOf(this.#audit.policy, user, attributes);
    if (this.#verdict.level === 'Request' || this.#verdict.level === 'RequestResponse') {
      onBody(this.#request, (body) => {
        this.#body = body;
      });
    }
    this.#write('RequestReceived');
  }

  actsAs(user: User): void {
    if (user !== this.#user) this.#impersonated = user;
  }

  decided(decision: Decision): void {
    this.#decision = decision;
    if (decision.allowed && isLong(this.#attributes)) this.#write('ResponseStarted', 200);
  }

  /** Upstream's way: what was said first stands. */
  annotate(key: string, value: string, level?: 'Request'): void {
    if (level === 'Request' && this.#verdict.level !== 'Request' && this.#verdict.level !== 'RequestResponse') return;
    if (!Object.hasOwn(this.#annotations, key)) this.#annotations[key] = value;
  }

  answers(object: unknown): void {
    this.#answer = object;
  }

  /** The same for an answer that has to be made: only where the policy wants it written. */
  answersBy(make: () => unknown): void {
    if (this.#verdict.level === 'RequestResponse') this.#answer = make();
  }

  fails(error: StatusError): void {
    this.#failure = error;
  }

  #write(stage: Stage, code?: number): void {
    const { level, omitStages } = this.#verdict;
    if (level === 'None' || omitStages.includes(stage)) return;
    const at = this.#clock.wall();
    this.#event(stage, code, at)
      .then((event) => this.#audit.sink.write(JSON.stringify(event)))
      // A body that cannot be read was refused, and the event says with what.
      .catch(() => {});
  }

  async #event(stage: Stage, code: number | undefined, at: number): Promise<Record<string, unknown>> {
    const { level, omitManagedFields } = this.#verdict;
    const shown = (object: unknown): unknown => (omitManagedFields ? withoutManagers(object) : object);
    const sent = stage === 'RequestReceived' ? undefined : await this.#sent();
    const { headers, url } = this.#request;
    return {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: this.#id,
      stage,
      requestURI: url,
      verb: this.#attributes?.verb ?? '',
      user: userInfo(this.#user),
      ...(this.#impersonated === undefined ? {} : { impersonatedUser: userInfo(this.#impersonated) }),
      ...(this.#address === undefined ? {} : { sourceIPs: [this.#address] }),
      ...(headers['user-agent'] === undefined ? {} : { userAgent: headers['user-agent'] }),
      ...this.#objectRef(sent),
      ...(code === undefined ? {} : { responseStatus: this.#status(code) }),
      ...(sent === undefined ? {} : { requestObject: shown(sent) }),
      ...(level === 'RequestResponse' && stage === 'ResponseComplete' && this.#shown() !== undefined
        ? { responseObject: shown(this.#shown()) }
        : {}),
      requestReceivedTimestamp: microTime(this.#received),
      stageTimestamp: microTime(at),
      ...(this.#decision === undefined || stage === 'RequestReceived'
        ? {}
        : {
            annotations: {
              'authorization.k8s.io/decision': this.#decision.allowed ? 'allow' : 'forbid',
              'authorization.k8s.io/reason': this.#decision.reason,
              ...this.#annotations,
            },
          }),
    };
  }

  #shown(): unknown {
    return this.#failure?.toStatus() ?? this.#answer;
  }

  #status(code: number): unknown {
    if (this.#failure === undefined) return { metadata: {}, code };
    const { kind: _, apiVersion: __, ...status } = this.#failure.toStatus();
    return status;
  }

  async #sent(): Promise<unknown> {
    const body = this.#body;
    if (body === undefined || body.bytes.length === 0) return undefined;
    // Every other type is JSON or YAML, patches included, and JSON is YAML.
    const isProtobuf = body.mediaType === protobufMediaType;
    try {
      return isProtobuf ? await parseBody(body) : parseAny(body);
    } catch {
      return undefined;
    }
  }

  #objectRef(sent: unknown): Record<string, unknown> {
    if (this.#attributes?.kind !== 'resource') return {};
    const { resource, namespace, name, group, version, subresource } = this.#attributes;
    const { metadata } = (isFields(sent) ? sent : {}) as AnyObject;
    const parts = {
      resource,
      namespace: namespace || (metadata?.namespace ?? ''),
      name: name || (metadata?.name ?? ''),
      uid: metadata?.uid ?? '',
      apiGroup: group,
      apiVersion: version,
      resourceVersion: metadata?.resourceVersion ?? '',
      subresource,
    };
    return { objectRef: Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== '')) };
  }
}

function parseAny({ bytes, mediaType }: Body): unknown {
  return mediaType.includes('yaml') ? parseAsYaml(bytes) : (JSON.parse(bytes.toString('utf8')) as unknown);
}

function isLong(attributes: Attributes | undefined): boolean {
  if (attributes?.kind !== 'resource') return false;
  return LONG.verbs.includes(attributes.verb) || LONG.subresources.includes(attributes.subresource);
}

/** Of the header Audit-Id: a client may name the request itself, within reason; it is looked for in the logs of both. */
export function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[\w.-]{1,64}$/.test(header) ? header : randomUUID();
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function withoutManagers(object: unknown): unknown {
  if (!isFields(object)) return object;
  const items = object.items;
  if (Array.isArray(items)) return { ...object, items: items.map(withoutManagers) };
  if (!isFields(object.metadata) || object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
