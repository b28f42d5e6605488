// Takes a described request through the tables of a snapshot, step by step as the engine would, and writes every step down.
// Sends nothing. Knows no socket: whoever asks says at which listener the request arrives (find-listener.ts).
import { isIP } from 'node:net';
import { describeFilters, describeRedirect } from '#traffic/model/describe-filters.ts';
import type { Listener, ServicePort, WeightedCluster } from '#traffic/model/ir.ts';
import type { RouteEntry, Snapshot } from '#traffic/snapshot/index.ts';
import { localAction } from '../filters/local-action.ts';
import { requestFacts } from '../http/request-facts.ts';
import { type ClientFacts, clientFacts } from '../http1/compose.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { rejections } from '../http1/rejection.ts';
import { parseRequestHead, RequestHead } from '../http1/request-head.ts';
import { hostsOf } from '../listeners/front-connections.ts';
import { isMisdirected } from '../tls/misdirected.ts';
import { describeAnswer } from './describe-answer.ts';
import { ownBackend } from './explain-affinity.ts';
import { explainBackends } from './explain-backend.ts';
import { explainRoute } from './explain-route.ts';
import type { ExplainedBackend, Explanation, FilterAnswer, Question } from './explanation.ts';
import { filterAnswer, limitAnswer } from './filter-answer.ts';
import type { Arrived } from './find-listener.ts';
import { sentAs } from './sent-as.ts';

export interface ExplainContext {
  readonly snapshot: Snapshot;
  readonly limits: HttpLimits;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Nothing runs: there is no load to tell of. */
  readonly atRest: boolean;
  /** Whether what a client at this address says of others is believed. */
  isTrusted(address: string): boolean;
}

type Steps = Partial<Explanation>;

/** What becomes of a request that has arrived somewhere. */
export function explain(question: Question, arrival: Arrived, context: ExplainContext): Explanation {
  if (arrival.type === 'service') return explainService(arrival.service, question, context);
  return explainListener(arrival.listener, question, context);
}

/** And of one that has not. */
export function explainNowhere(question: Question, summary: string, remedy: string): Explanation {
  return finish(question, {}, 'unreachable', summary, { remedy });
}

function explainListener(listener: Listener, question: Question, context: ExplainContext): Explanation {
  const { name, protocol, address, port } = listener;
  const steps: Steps = { listener: { name, protocol, address, port } };
  if (protocol === 'http' || protocol === 'https') return explainHttp(listener, question, context, steps);
  const serverName = protocol === 'tls' ? question.host : '';
  const route = context.snapshot.layer4Route(name, serverName);
  if (route === undefined) {
    const summary = `Listener "${name}" passes no connection on for "${question.host}": it is closed`;
    return finish(question, steps, 'unreachable', summary);
  }
  const what = protocol === 'tls' ? `by server name, route "${route.name}"` : `as they come, ${protocol}`;
  return forwarded(question, steps, context, route.clusters, `Bytes are passed on ${what}, without a look inside`);
}

/** A Service's own address carries bytes to its cluster; at its cluster IP routes of its own may come first. */
function explainService(service: ServicePort, question: Question, context: ExplainContext): Explanation {
  const { host: address, port, clientAddress } = question;
  const steps: Steps = { listener: { name: service.name, protocol: 'service', address, port } };
  const { front } = service;
  if (front !== undefined && !isOutside(service, bare(address))) {
    const name = hostsOf(context.snapshot, front, clientAddress);
    const listener: Listener = { name, address, port, protocol: 'http', front };
    // Whoever calls a Service does not know of a proxy, and is believed.
    if (front.carried !== true || name !== front.name) {
      return explainHttp(listener, question, { ...context, isTrusted: () => true }, steps);
    }
  }
  const clusters = [{ cluster: service.cluster, weight: 1 }];
  return forwarded(question, steps, context, clusters, `Service "${service.name}" passes connections on as they come`);
}

/** Routes of a Service are met at its cluster IP, or by its name, which leads there. */
function isOutside({ clusterIPs }: ServicePort, host: string): boolean {
  return isIP(host) !== 0 && !clusterIPs.includes(host);
}

function explainHttp(listener: Listener, question: Question, context: ExplainContext, before: Steps): Explanation {
  let steps = before;
  const fail = (summary: string, remedy?: string): Explanation =>
    finish(question, steps, 'unreachable', summary, remedy === undefined ? {} : { remedy });
  const tls = listener.protocol === 'https';
  // An address is no server name (RFC 6066, 3).
  const serverName = isIP(bare(question.host)) === 0 ? question.host : '';
  if (tls !== (question.scheme === 'https')) {
    const summary = tls
      ? `Listener "${listener.name}" speaks TLS, and the request does not`
      : `Listener "${listener.name}" speaks plain HTTP: a TLS handshake fails there`;
    return fail(summary, `Ask for ${tls ? 'https' : 'http'}://`);
  }
  if (tls) {
    const [certificate] = context.snapshot.certificatesFor(listener.name, serverName);
    if (certificate === undefined) {
      return serverName === ''
        ? fail(
            `Clients ask for no name where the URL has an address, and no certificate serves these: the TLS handshake fails`,
            'Ask by a name, or add a default certificate',
          )
        : fail(
            `No certificate serves "${serverName}": the TLS handshake fails`,
            'Add one for this name, or a default one',
          );
    }
    steps = { ...steps, certificate: { name: certificate.name, hostnames: certificate.hostnames } };
  }
  const head = new RequestHead();
  const text = headText(question);
  const { limits } = context;
  const rejection =
    text.length > limits.head ? rejections.headLength : parseRequestHead(text, 0, text.length, head, limits);
  if (rejection !== undefined) {
    return finish(question, steps, 'rejected', `Refused with ${rejection.status}: ${rejection.reason}`, {
      status: rejection.status,
    });
  }
  steps = { ...steps, request: requestOf(question, head.host, head.target) };
  const certificates = context.snapshot.certificatesFor(listener.name, serverName);
  if (tls && isMisdirected(head.host, serverName, certificates, listener, context.snapshot)) {
    const summary = `Host "${head.host}" is not served over a TLS connection for "${question.host}": 421`;
    return finish(question, steps, 'rejected', summary, {
      status: 421,
      remedy: 'Ask for the host by a URL with its name',
    });
  }
  const site = context.snapshot.virtualHost(listener.name, head.host);
  if (site === undefined) {
    const summary = `No virtual host on listener "${listener.name}" takes the host "${head.host}": 404`;
    return finish(question, steps, 'not_found', summary, { status: 404 });
  }
  const { route, others } = explainRoute(site.host, head.target, head);
  steps = { ...steps, virtualHost: { name: site.name, hostname: site.host.hostname }, others };
  // The engine's own answer, by the same call that a request makes.
  const entry = context.snapshot.route(listener.name, head.host, head.target, head);
  if (entry === undefined || route === undefined) {
    const summary = `No route of virtual host "${site.name}" takes it: 404`;
    return finish(question, steps, 'not_found', summary, { status: 404 });
  }
  return explainAction(entry, question, listener, head, context, { ...steps, route });
}

function explainAction(
  entry: RouteEntry,
  question: Question,
  listener: Listener,
  head: RequestHead,
  context: ExplainContext,
  steps: Steps,
): Explanation {
  const { route } = entry;
  const { action, name } = route;
  const own = { ...steps, filters: describeFilters(route) };
  const { isTrusted } = context;
  const client = { head, facts: requestFacts(factsOf(question, listener, isTrusted), head, isTrusted) };
  const answered = (answer: FilterAnswer, more: Partial<Explanation> = {}): Explanation =>
    finish(question, { ...own, ...more }, 'answered', describeAnswer(answer), { status: answer.status });
  const early = action.type === 'forward' ? undefined : filterAnswer(route, undefined, head, undefined);
  if (early !== undefined) return answered(early);
  const reply = localAction(route, head, client.facts);
  if (reply !== undefined) {
    const location = /^Location: (.*)\r$/m.exec(reply.headers)?.[1];
    const { status } = reply;
    if (location !== undefined) {
      const how = action.type === 'redirect' ? describeRedirect(action.redirect) : `${status}`;
      return finish(question, own, 'redirected', `Route "${name}" redirects: ${how}`, { status, location });
    }
    const reason = action.type === 'respond' && action.reason !== '' ? `: ${action.reason}` : '';
    return finish(question, own, 'answered', `Route "${name}" answers ${status} by itself${reason}`, { status });
  }
  const clusters = action.type === 'forward' ? action.clusters : [];
  const backends = explainBackends(
    clusters,
    {
      ...context,
      request: head,
      clientAddress: client.facts.address,
      client,
      own: ownBackend(entry, context.snapshot, client),
    },
    (backend) => {
      const limits = context.snapshot.cluster(backend.cluster) && context.limits;
      const answer =
        filterAnswer(route, backend, head, limits) ??
        (backend.answer && { by: 'backend' as const, status: backend.answer.status, reason: backend.answer.reason }) ??
        (limits === undefined ? undefined : limitAnswer(head, limits));
      // Nothing is sent, and settings that are not valid cannot be tried out.
      const outcome = answer === undefined ? sentAs(route, backend, head) : { answer };
      return { filters: describeFilters(route, backend), ...outcome };
    },
  );
  const open = backends.filter(({ share }) => share > 0);
  const answers =
    open.length === 0 ? [filterAnswer(route, undefined, head, undefined)] : open.map(({ answer }) => answer);
  const [first] = answers;
  // Before anybody asks who could take it. Clusters with answers that differ are told one by one.
  if (first !== undefined && answers.every((answer) => answer?.status === first.status)) {
    return answered(first, { backends });
  }
  return settled(question, { ...own, backends }, backends, '');
}

/** The connection that the request would come over; its port is the listener's own, whatever leads there. */
function factsOf(
  { clientAddress, host, port, scheme }: Question,
  listener: Listener,
  isTrusted: ExplainContext['isTrusted'],
): ClientFacts {
  const destination = { address: bare(host), port: listener.port === 0 ? port : listener.port };
  const pair = { source: { address: clientAddress, port: 0 }, destination };
  return clientFacts(pair, scheme, { trusted: isTrusted(clientAddress), certificateLine: '' });
}

/** An IPv6 address without the brackets that a URL puts around it. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function forwarded(
  question: Question,
  steps: Steps,
  context: ExplainContext,
  clusters: readonly WeightedCluster[],
  how: string,
): Explanation {
  const request = { method: '', header: () => undefined, query: () => undefined };
  const backends = explainBackends(
    clusters,
    { ...context, request, clientAddress: question.clientAddress, client: undefined, own: undefined },
    () => ({
      filters: [],
    }),
  );
  return settled(question, { ...steps, backends }, backends, how);
}

function settled(question: Question, steps: Steps, backends: readonly ExplainedBackend[], how: string): Explanation {
  const open = backends.filter(({ share }) => share > 0);
  const able = open.filter(({ answer, problem }) => answer === undefined && problem === undefined);
  const names = (list: readonly ExplainedBackend[]): string => list.map(({ cluster }) => `"${cluster}"`).join(', ');
  if (able.length === 0) {
    const why =
      open.length === 0
        ? 'every weight is 0'
        : open
            .map(({ cluster, answer, problem }) => {
              const what = answer === undefined ? problem : describeAnswer(answer);
              return `"${cluster}": ${lower(what)}`;
            })
            .join('; ');
    // Some may find nobody where filters answer the others.
    const alike = how === '' && open.every(({ answer }) => answer === undefined);
    const summary = `Nobody can take it: ${why}${alike ? ': 503' : ''}`;
    return finish(question, steps, 'unavailable', summary, alike ? { status: 503 } : {});
  }
  const but = open.length === able.length ? '' : lost(open, names);
  const where = `${open.length === 1 ? 'cluster' : 'clusters'} ${names(open)}`;
  return finish(question, steps, 'forwarded', how === '' ? `Goes to ${where}${but}` : `${how}, to ${where}${but}`);
}

/** What becomes of the requests that reach nobody. */
function lost(open: readonly ExplainedBackend[], names: (list: readonly ExplainedBackend[]) => string): string {
  const share = (list: readonly ExplainedBackend[]): number =>
    Math.round(list.reduce((sum, one) => sum + one.share, 0) * 100);
  const failing = open.filter(({ problem }) => problem !== undefined);
  const answered = open.filter(({ answer }) => answer !== undefined);
  return [
    failing.length === 0 ? '' : `; ${share(failing)}% of requests fail in ${names(failing)}`,
    answered.length === 0 ? '' : `; filters answer the ${share(answered)}% that would go to ${names(answered)}`,
  ].join('');
}

function lower(text = ''): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

function finish(
  question: Question,
  steps: Steps,
  verdict: Explanation['verdict'],
  summary: string,
  more: Partial<Explanation> = {},
): Explanation {
  const request = requestOf(question, question.host, question.target);
  return { request, others: [], filters: [], backends: [], ...steps, ...more, verdict, summary };
}

function requestOf({ method, scheme, port }: Question, host: string, path: string): Explanation['request'] {
  const usual = port === (scheme === 'https' ? 443 : 80);
  return { method, url: `${scheme}://${host}${usual ? '' : `:${port}`}${path}`, host, path };
}

/** The head as a client would send it: what is wrong with it is refused as the engine refuses it. */
function headText({ method, target, headers, host, port, scheme }: Question): string {
  const named = headers.some(([name]) => name.toLowerCase() === 'host');
  const usual = port === (scheme === 'https' ? 443 : 80);
  const own = named ? [] : [['Host', usual ? host : `${host}:${port}`] as const];
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
