// The spans of one request: one for itself, one for each try; and the trace context that goes on with it.
// Knows OpenTelemetry's names for HTTP; nothing of how spans are sent. (semantic conventions 1.29, HTTP spans.)
import type { Attributes, AttributeValue, Span } from '#telemetry/traces/otlp.ts';
import { isSampled, parseTraceParent, traceLines, traceStateOf } from '#telemetry/traces/trace-context.ts';
import { TraceIds } from '#telemetry/traces/trace-ids.ts';
import type { ClusterEntry, EngineTarget, RouteEntry } from '#traffic/snapshot/index.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Failure } from '../upstream/failure.ts';
import { removeFields } from './head-edits.ts';

const CONTEXT_NAMES: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);
/** Those that have a meaning; anything else a client makes up is `_OTHER`, as the conventions want it. */
const METHODS: ReadonlySet<string> = new Set('CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '));

interface TracerOptions {
  /** Of each new trace the probability that it is recorded. */
  readonly ratio: number;
  readonly add: (span: Span) => void;
  /** Monotonic milliseconds, and those since the epoch. */
  readonly now: () => number;
  readonly wall: () => number;
}

/** One per worker. */
export class Tracer {
  readonly ids = new TraceIds();
  readonly add: (span: Span) => void;
  readonly #options: TracerOptions;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.add = options.add;
  }

  /** What is recorded of a request: undefined for nothing. The context goes on in any case. */
  begin(head: RequestHead, now: number): RequestTrace | undefined {
    const parent = parseTraceParent(head.header('traceparent'));
    // Whoever called decides; what it said stands among the lines that are relayed.
    if (parent?.sampled === false) return undefined;
    const state = parent === undefined ? '' : traceStateOf(head.header('tracestate'));
    removeFields(head, CONTEXT_NAMES);
    const traceId = parent?.traceId ?? this.ids.trace();
    const spanId = this.ids.span();
    const sampled = parent !== undefined || isSampled(traceId, this.#options.ratio);
    head.traceLines = traceLines(traceId, spanId, sampled, state);
    if (!sampled) return undefined;
    const { wall, now: clock } = this.#options;
    return new RequestTrace(
      this,
      head,
      { traceId, spanId, parentId: parent?.spanId ?? '', state },
      now,
      wall() - clock(),
    );
  }
}

interface Identity {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly state: string;
}

/** What is known of a request once it is over. */
export interface RequestEnd {
  readonly facts: ClientFacts;
  /** `HTTP/1.1`, `HTTP/2`. */
  readonly protocol: string;
  readonly route: RouteEntry | undefined;
  readonly cluster: string;
  readonly status: number;
  /** What went wrong, in one of few words; empty when nothing did. */
  readonly failure: string;
}

export class RequestTrace {
  readonly #tracer: Tracer;
  readonly #head: RequestHead;
  readonly #identity: Identity;
  readonly #started: number;
  /** What a monotonic time lacks to be one since the epoch. */
  readonly #offset: number;
  #tries = 0;
  #tryId = '';
  #tryStarted = 0;

  constructor(tracer: Tracer, head: RequestHead, identity: Identity, started: number, offset: number) {
    this.#tracer = tracer;
    this.#head = head;
    this.#identity = identity;
    this.#started = started;
    this.#offset = offset;
  }

  get traceId(): string {
    return this.#identity.traceId;
  }

  /** The next try: the endpoint is told that it is called by this one. */
  beginTry(now: number): void {
    this.#tryStarted = now;
    this.#tryId = this.#tracer.ids.span();
    this.#head.traceLines = traceLines(this.traceId, this.#tryId, true, this.#identity.state);
  }

  /** The try is over; `status` is 0 when there was no response, 499 when the client left before. */
  endTry(
    { config }: ClusterEntry,
    { key, endpoint }: EngineTarget,
    status: number,
    failure: Failure | undefined,
    now: number,
  ): void {
    const { forwardAuthority, forwardTarget, method } = this.#head;
    const [namespace, pod] = endpoint.pod.split('/');
    const answered = status !== 0 && status !== 499;
    const host = forwardAuthority === '' ? key : forwardAuthority;
    const error = failure?.code ?? (status === 499 ? 'client_left' : status >= 400 ? String(status) : undefined);
    this.#add('client', {
      spanId: this.#tryId,
      parentId: this.#identity.spanId,
      name: methodOf(method),
      start: this.#tryStarted,
      end: now,
      error: status === 499 ? undefined : error,
      attributes: present([
        ...methodAttributes(method),
        // Without the query: secrets travel in it.
        ['url.full', `${config.tls === undefined ? 'http' : 'https'}://${host}${pathOf(forwardTarget)}`],
        ['server.address', endpoint.address],
        ['server.port', endpoint.port],
        ['network.peer.address', endpoint.address],
        ['network.peer.port', endpoint.port],
        ['http.response.status_code', answered ? status : undefined],
        ['http.request.resend_count', this.#tries > 0 ? this.#tries : undefined],
        ['error.type', error],
        ['k8s.namespace.name', pod === undefined ? undefined : namespace],
        ['k8s.pod.name', pod],
      ]),
    });
    this.#tries++;
  }

  end({ facts, protocol, route, cluster, status, failure }: RequestEnd, now: number): void {
    const { method, target, authority } = this.#head;
    const path = route?.route.path.value;
    const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
    const error = failure !== '' ? failure : status >= 500 ? String(status) : undefined;
    this.#add('server', {
      spanId: this.#identity.spanId,
      parentId: this.#identity.parentId,
      name: path === undefined ? methodOf(method) : `${methodOf(method)} ${path}`,
      start: this.#started,
      end: now,
      error: status >= 500 ? error : undefined,
      attributes: present([
        ...methodAttributes(method),
        ['url.path', pathOf(target)],
        ['url.scheme', facts.protocol],
        ['http.route', path],
        // It is none of a response: the client left before there was one.
        ['http.response.status_code', status === 499 || status === 0 ? undefined : status],
        ['error.type', status === 499 ? 'client_left' : error],
        ['server.address', host === '' ? undefined : host],
        ['server.port', Number(port ?? facts.port)],
        ['client.address', facts.address],
        ['network.protocol.name', 'http'],
        ['network.protocol.version', protocol.replace('HTTP/', '')],
        ['user_agent.original', this.#head.header('user-agent')],
        ['evenkeel.route', route?.route.metricName],
        ['evenkeel.cluster', cluster === '' ? undefined : cluster],
      ]),
    });
  }

  #add(kind: Span['kind'], span: Omit<Span, 'traceId' | 'state' | 'kind'>): void {
    const { traceId, state } = this.#identity;
    const [start, end] = [span.start + this.#offset, span.end + this.#offset];
    this.#tracer.add({ ...span, traceId, state, kind, start, end });
  }
}

function methodOf(method: string): string {
  return METHODS.has(method) ? method : 'HTTP';
}

function methodAttributes(method: string): [string, string | undefined][] {
  const known = METHODS.has(method);
  return [
    ['http.request.method', known ? method : '_OTHER'],
    ['http.request.method_original', known ? undefined : method],
  ];
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function present(attributes: readonly (readonly [string, AttributeValue | undefined])[]): Attributes {
  return attributes.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}
