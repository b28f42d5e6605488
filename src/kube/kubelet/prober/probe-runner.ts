// One attempt of a probe as a pod writes it: resolves port, host and headers and picks the way to ask.
// Knows nothing of thresholds and periods.
import type { Container, Probe } from 'kubernetes-types/core/v1.js';
import type { Clock } from '#lib/clock.ts';
import type { RunningContainer } from '../runtime.ts';
import { execProbe } from './exec-probe.ts';
import { grpcProbe } from './grpc-probe.ts';
import { httpProbe } from './http-probe.ts';
import { resolvePort } from './port.ts';
import { type ProbeResult, unknown } from './result.ts';
import { tcpProbe } from './tcp-probe.ts';

export interface ProbeSubject {
  readonly container: Container;
  readonly podIp: string;
  readonly running: Pick<RunningContainer, 'exec'>;
}

/** Makes one attempt within the probe's timeout; never rejects. */
export async function runProbe(probe: Probe, subject: ProbeSubject, clock: Clock): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const { container, podIp, running } = subject;
  try {
    if (probe.exec !== undefined) return await execProbe(running, probe.exec.command ?? [], timeoutMs);
    if (probe.httpGet !== undefined) {
      const { scheme, host, port, path = '/', httpHeaders = [] } = probe.httpGet;
      const target = {
        scheme: scheme?.toUpperCase() === 'HTTPS' ? ('https' as const) : ('http' as const),
        host: host === undefined || host === '' ? podIp : host,
        port: resolvePort(port, container),
        path,
        headers: httpHeaders,
      };
      return await httpProbe(target, timeoutMs, clock);
    }
    if (probe.tcpSocket !== undefined) {
      const { host, port } = probe.tcpSocket;
      return await tcpProbe(
        host === undefined || host === '' ? podIp : host,
        resolvePort(port, container),
        timeoutMs,
        clock,
      );
    }
    if (probe.grpc !== undefined) {
      return await grpcProbe(podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs, clock);
    }
    return unknown(`missing probe handler for container "${container.name}"`);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}
