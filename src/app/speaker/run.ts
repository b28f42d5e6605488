// `evenkeel speaker` from start to end: what the API says is announced from this node, until it is told to end.
// Knows the order of the parts; what each does is its own matter.
import type { RequestListener } from 'node:http';
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder } from '#kube/client/events.ts';
import { createInformers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { type MetricsText, sendMetrics } from '#telemetry/metrics-page.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import type { Liveness } from '#traffic/announce/liveness/liveness.ts';
import { Announcer, type Layer2 } from '#traffic/announce/thread/announcer.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { servePages } from '../main/pages.ts';
import { BgpSide } from './bgp-side.ts';
import { clusterKey } from './cluster-key.ts';
import { ClusterView } from './cluster-view.ts';
import { SpeakerTotals } from './metrics.ts';
import type { SpeakerSettings } from './settings.ts';
import { NodeSpeaker } from './speaker.ts';
import { Tellings } from './tellings.ts';

export interface SpeakerDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Lines for people. */
  readonly tell: (line: string) => void;
  /** Nodes that have fallen silent, whenever that changes; none at the end. */
  readonly onSilence?: (silent: ReadonlySet<string>) => void;
  /** Called once with what prints its metrics, for whoever serves them with others. */
  readonly onMetrics?: (text: (format: MetricFormat) => string) => void;
}

type End = () => void | Promise<void>;

/** Resolves when it has ended. Throws a `Failure` for what a person can put right. */
export async function runSpeaker(settings: SpeakerSettings, deps: SpeakerDependencies): Promise<void> {
  const failed = new AbortController();
  const ends: End[] = [];
  try {
    await speak(settings, deps, failed, ends);
  } finally {
    // Last in, first out.
    for (const one of ends.reverse()) await one();
  }
  // Without its thread nothing is announced: whoever started this starts it again.
  if (failed.signal.aborted && !deps.signal.aborted) throw failed.signal.reason;
}

/** Resolves when it is told to end, or `failed` is. `ends` is what has to be done afterwards, whatever comes of it. */
async function speak(
  settings: SpeakerSettings,
  { client, clock, log, signal, tell, onSilence, onMetrics }: SpeakerDependencies,
  failed: AbortController,
  ends: End[],
): Promise<void> {
  const { nodeName } = settings;
  const totals = new SpeakerTotals();
  let speaker: NodeSpeaker | undefined;
  let tellings: Tellings | undefined;
  let silent: ReadonlySet<string> = new Set();
  // 1. What may not be had at all, before anything is begun. In a thread: this one may be busy with much else.
  const announcer =
    settings.l2 || settings.heartbeatPort !== 0
      ? new Announcer({
          clock,
          log,
          onChange: () => speaker?.membersChanged(),
          onPause: (ms) => {
            log.warn({ ms: Math.round(ms) }, 'This process stood still; told of all addresses anew');
            totals.count('pauses');
          },
          onSilence: (names, seeming) => {
            silent = new Set(names);
            totals.set('silent', silent.size);
            totals.set('seemingSilent', seeming);
            tellings?.silence(silent, (name) => view.nodes.get(name));
            onSilence?.(silent);
          },
          onFailure: (error) => failed.abort(error),
        })
      : undefined;
  if (announcer !== undefined) {
    ends.push(async () => {
      await announcer.close();
      onSilence?.(new Set());
    });
  }
  const ended = AbortSignal.any([signal, failed.signal]);
  const l2 = announcer !== undefined && settings.l2 ? await openLayer2(announcer, settings) : undefined;
  // 2. What there is. The API may not be there yet, or never; a signal ends the waiting too.
  const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock });
  ends.push(() => informers.stop());
  const view = new ClusterView(informers);
  informers.start();
  const synced = view.synced();
  synced.catch(() => {});
  await Promise.race([synced, aborted(ended)]);
  if (ended.aborted) return;
  if (view.nodes.get(nodeName) === undefined) {
    throw new Failure(`There is no Node "${nodeName}"`, 'Name the node that this runs on with --node-name');
  }
  // 3. Who is alive, before anything is taken.
  const heartbeats =
    announcer !== undefined && settings.heartbeatPort !== 0
      ? await openHeartbeats(announcer, settings, client)
      : undefined;
  const recorder = createEventRecorder(client, { component: 'evenkeel-speaker', host: nodeName, clock, log });
  const objects = {
    service: (key: string) => view.services.get(key),
    loadBalancer: (kind: string, key: string) => view.loadBalancerObject(kind, key),
  };
  const telling = new Tellings(nodeName, recorder, objects, log);
  tellings = telling;
  const bgp = settings.bgp
    ? new BgpSide({
        client,
        clock,
        log,
        routerId: settings.routerId,
        onProblems: (problems) => telling.peerProblems(problems),
      })
    : undefined;
  if (bgp !== undefined) ends.push(() => bgp.close(`Speaker of node ${nodeName} ends`));
  const announcing = new NodeSpeaker({
    node: nodeName,
    view,
    heartbeats,
    l2,
    bgp,
    tellings: telling,
    totals,
    defaultLoadBalancer: settings.defaultLoadBalancer,
    clock,
  });
  speaker = announcing;
  const own = (format: MetricFormat): string => {
    totals.set('refused', heartbeats?.refused ?? 0);
    return `${totals.text(format)}${l2?.metrics(format) ?? ''}${bgp?.metrics(format) ?? ''}`;
  };
  onMetrics?.(own);
  const text = (format: MetricFormat): string => `${own(format)}${processMetrics(format)}`;
  const status = () => ({
    node: nodeName,
    alive: heartbeats?.alivePeers ?? [],
    silent: [...silent],
    interfaces: l2?.interfaces ?? [],
    l2: announcing.duties.l2,
    routes: announcing.duties.bgp,
    problems: announcing.duties.problems,
    bgp: bgp?.status(),
  });
  const listener = pages(text, status);
  ends.push(await servePages([{ bind: settings.metrics, flag: '--metrics-bind-address', listener }]));
  // 4. From here on it announces.
  announcing.start();
  tell(`Speaker of node ${nodeName}: ${describe(settings, l2)}`);
  await aborted(ended);
  await announcing.leave();
  await recorder.flush();
}

async function openLayer2(announcer: Announcer, { interfaces }: SpeakerSettings): Promise<Layer2> {
  try {
    return await announcer.openLayer2(interfaces);
  } catch (error) {
    throw new Failure(messageOf(error), 'Give it what it needs, or start it with --l2 off', { cause: error });
  }
}

async function openHeartbeats(
  announcer: Announcer,
  { nodeName: name, secret, heartbeatPort: port, nodeLiveness: silence }: SpeakerSettings,
  client: Client,
): Promise<Liveness> {
  const key = await clusterKey(client, secret);
  try {
    return await announcer.openHeartbeats({ name, key, port, silence });
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    throw new Failure(
      `UDP port ${port} is in use, by which speakers hear of each other`,
      'Free it, or give all speakers another one with --heartbeat-port',
      { cause: error },
    );
  }
}

function describe({ bgp, heartbeatPort }: SpeakerSettings, l2: Layer2 | undefined): string {
  return [
    l2 === undefined ? 'no layer 2' : `layer 2 on ${l2.interfaces.join(', ') || 'no interface yet'}`,
    bgp ? 'BGP to each BGPPeer' : 'no BGP',
    heartbeatPort === 0 ? 'others are alive while their Node is ready' : `heartbeats at UDP port ${heartbeatPort}`,
  ].join('; ');
}

function pages(metrics: MetricsText, status: () => unknown): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    const answer = (code: number, type: string, text: string): void => {
      response.writeHead(code, { 'Content-Type': `${type}; charset=utf-8`, 'X-Content-Type-Options': 'nosniff' });
      response.end(text);
    };
    if (path === '/metrics') void sendMetrics(request, response, metrics);
    else if (path === '/status') answer(200, 'application/json', `${JSON.stringify(status(), null, 2)}\n`);
    else if (path === '/healthz') answer(200, 'text/plain', 'ok\n');
    else answer(404, 'text/plain', 'There are /metrics, /status and /healthz\n');
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
