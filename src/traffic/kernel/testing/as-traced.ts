// Holds real packets to what the tracer of the rule model says of them: verdict, endpoints, and whom they see.
// Every assertion about where a packet goes is made here.
import { familyOf } from '#lib/ip.ts';
import type { RuleModel } from '#traffic/snapshot/rules/rule-model.ts';
import { type Trace, type TracedEndpoint, trace } from '#traffic/snapshot/rules/trace.ts';
import type { ProbeResult } from './agent-words.ts';
import { addressOf, answererOf, n1Addresses } from './lab-layout.ts';
import { type Probe, type ServiceLab, sourceOf } from './service-lab.ts';

export interface Compared {
  readonly probe: Probe;
  readonly traced: Trace;
  readonly result: ProbeResult;
}

export function traceOf(model: RuleModel, probe: Probe): Trace {
  return trace(model, { from: sourceOf(probe), to: probe.to, port: probe.port, protocol: probe.protocol });
}

/** Silence is as it should be: it may come, and is waited for only briefly. */
function isSilent(traced: Trace | undefined): boolean {
  if (traced?.verdict !== 'forward') return traced?.verdict === 'drop';
  return traced.endpoints.some(({ lost }) => lost);
}

/** Whether a Service has this address, and other ports of it than this one. */
function isUnserved(model: RuleModel, traced: Trace, { to }: Probe): boolean {
  return (
    traced.verdict === 'pass' &&
    !model.node.addresses.includes(to) &&
    [...model.ports.values()].some(({ fronts }) => fronts.some(({ address }) => address === to))
  );
}

/**
 * Makes all probes at once and throws with each that went otherwise than the tracer says; else returns them.
 * `passes`: whether ports that no Service has are passed on at addresses of Services; else they are refused.
 * Without `keepsSource`, whoever is forwarded is masqueraded.
 */
export async function compareWithTrace(
  lab: ServiceLab,
  model: RuleModel,
  probes: readonly Probe[],
  passes = true,
  keepsSource = true,
): Promise<readonly Compared[]> {
  const traced = probes.map((probe): Trace => {
    const found = traceOf(model, probe);
    const kept = keepsSource ? found : masqueraded(found);
    const one = lab.servesSocketsAt(probe.at) ? reachingItself(kept) : kept;
    return passes || !isUnserved(model, one, probe) ? one : { ...one, verdict: 'reject' };
  });
  const results = await lab.probe(probes, (at) => isSilent(traced[at]));
  const compared = probes.flatMap((probe, at): Compared[] => {
    const [one, result] = [traced[at], results[at]];
    return one === undefined || result === undefined ? [] : [{ probe, traced: one, result }];
  });
  const wrong = compared.flatMap((one) => difference(one) ?? []);
  if (wrong.length > 0) {
    const shown = wrong.slice(0, 8);
    throw new Error(`${wrong.length} of ${probes.length} packets went otherwise:\n\n${shown.join('\n\n')}`);
  }
  return compared;
}

function masqueraded(traced: Trace): Trace {
  return {
    ...traced,
    endpoints: traced.endpoints.map((endpoint) => ({ ...endpoint, masqueraded: true, lost: false })),
  };
}

/** A socket that is led to its own machine from the beginning sends no packet that could come back. */
function reachingItself(traced: Trace): Trace {
  return { ...traced, endpoints: traced.endpoints.map((endpoint) => ({ ...endpoint, lost: false })) };
}

/** Undefined when the packet did what it should. */
function difference(compared: Compared): string | undefined {
  const { probe, traced, result } = compared;
  const wanted = wantedWords(compared);
  if (isAsTraced(compared)) return undefined;
  const { at, protocol, to, port } = probe;
  const got = result.kind === 'answered' ? `answered by ${result.by}, which saw ${result.seenAs}` : result.kind;
  const why = result.kind === 'answered' ? '' : ` (${result.why})`;
  return [
    `${protocol} from ${at} ${sourceOf(probe)} to ${to}:${port}: ${got}${why} after ${result.ms} ms; wanted: ${wanted}`,
    ...traced.steps.map((step) => `  ${step}`),
  ].join('\n');
}

function isAsTraced({ probe, traced, result }: Compared): boolean {
  switch (traced.verdict) {
    case 'reject':
      return result.kind === 'refused';
    case 'drop':
      return result.kind === 'silent';
    case 'forward':
      return traced.endpoints.some((endpoint) =>
        endpoint.lost ? result.kind === 'silent' : isFrom(endpoint, probe, result),
      );
    case 'pass': {
      const answerer = answererOf(probe.to, probe.port, probe.protocol);
      if (answerer === undefined) return result.kind === 'refused';
      return (
        result.kind === 'answered' &&
        result.by === `${answerer}:${probe.port}` &&
        // Nobody has changed its source.
        result.seenAs === sourceOf(probe)
      );
    }
  }
}

function isFrom(endpoint: TracedEndpoint, probe: Probe, result: ProbeResult): boolean {
  const answerer = answererOf(endpoint.address, endpoint.port, probe.protocol);
  if (answerer === undefined) return result.kind === 'refused';
  if (result.kind !== 'answered' || result.by !== `${answerer}:${endpoint.port}`) return false;
  const masqueraded = n1Addresses.includes(result.seenAs);
  const kept = result.seenAs === sourceOf(probe);
  // What ends at the node itself leaves it by no interface, so that there is none to be masqueraded for.
  if (answerer === 'n1') return masqueraded || kept;
  return endpoint.masqueraded ? masqueraded && isFittingSource(result.seenAs, endpoint) : kept;
}

/** The node's address on the way to the endpoint: another one would be answered as well here, and nowhere else. */
function isFittingSource(seenAs: string, endpoint: TracedEndpoint): boolean {
  const family = familyOf(endpoint.address) ?? 'IPv4';
  return seenAs === (endpoint.address === addressOf.p3[family] ? addressOf.n1 : addressOf.n1Pods)[family];
}

function wantedWords({ probe, traced }: Compared): string {
  if (traced.verdict === 'reject') return 'refused';
  if (traced.verdict === 'drop') return 'silent';
  if (traced.verdict === 'pass') {
    return `passed on to ${answererOf(probe.to, probe.port, probe.protocol) ?? 'nobody, refused'}`;
  }
  const words = traced.endpoints.map(({ address, port, masqueraded, lost }) => {
    if (lost) return 'itself, silent';
    const answerer = answererOf(address, port, probe.protocol) ?? 'nobody';
    return `${answerer}:${port}${masqueraded ? ' (masqueraded)' : ''}`;
  });
  return `one of ${words.join(', ')}`;
}
