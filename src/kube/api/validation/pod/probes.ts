// Rules of probes and of lifecycle handlers.
// Knows one container at a time. Upstream source: validateProbe and validateHandler in pkg/apis/core/validation.
import type { Container, ExecAction, HTTPGetAction, Probe, TCPSocketAction } from 'kubernetes-types/core/v1.js';
import { notNegative, oneOf, validatePort, validatePortOrName } from '../common.ts';
import { child, type FieldPath, type Report } from '../report.ts';

interface Handler {
  exec?: ExecAction;
  httpGet?: HTTPGetAction;
  tcpSocket?: TCPSocketAction;
  grpc?: { port?: number };
  sleep?: { seconds?: number };
}

const headerRule =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

export function validateProbes(container: Container, path: FieldPath, report: Report): void {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  for (const [name, probe] of Object.entries({ livenessProbe, readinessProbe, startupProbe })) {
    if (probe !== undefined) validateProbe(probe, child(path, name), report);
  }
  for (const [name, probe] of Object.entries({ livenessProbe, startupProbe })) {
    const threshold = probe?.successThreshold;
    if (threshold !== undefined && threshold !== 0 && threshold !== 1) {
      report.invalid(child(path, name, 'successThreshold'), threshold, 'must be 1');
    }
  }
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    report.forbidden(
      child(path, 'readinessProbe', 'terminationGracePeriodSeconds'),
      'must not be set for readinessProbes',
    );
  }
}

export function validateLifecycle(
  container: Container,
  graceSeconds: number | undefined,
  path: FieldPath,
  report: Report,
): void {
  for (const name of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[name] as Handler | undefined;
    if (handler !== undefined) validateHandler(handler, child(path, 'lifecycle', name), report, graceSeconds ?? 30);
  }
}

const numbers = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateProbe(probe: Probe, path: FieldPath, report: Report): void {
  validateHandler(probe, path, report);
  for (const name of numbers) notNegative(probe[name], child(path, name), report);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    report.invalid(child(path, 'terminationGracePeriodSeconds'), grace, 'must be greater than 0');
  }
}

function validateHandler(handler: Handler, path: FieldPath, report: Report, graceSeconds?: number): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given = Object.entries({ exec, httpGet, tcpSocket, grpc, sleep }).filter(([, value]) => value !== undefined);
  if (given.length === 0) report.required(path, 'must specify a handler type');
  for (const [name] of given.slice(1)) report.forbidden(child(path, name), 'may not specify more than 1 handler type');
  if (exec !== undefined && (exec.command?.length ?? 0) === 0) report.required(child(path, 'exec', 'command'));
  if (httpGet !== undefined) validateHttpGet(httpGet, child(path, 'httpGet'), report);
  if (tcpSocket !== undefined) validatePortOrName(tcpSocket.port, child(path, 'tcpSocket', 'port'), report);
  if (grpc !== undefined) validatePort(grpc.port ?? 0, child(path, 'grpc', 'port'), report);
  if (sleep !== undefined && graceSeconds !== undefined) {
    const seconds = sleep.seconds ?? 0;
    if (seconds < 0 || seconds > graceSeconds) {
      report.invalid(
        child(path, 'sleep'),
        seconds,
        `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
      );
    }
  }
}

function validateHttpGet(action: HTTPGetAction, path: FieldPath, report: Report): void {
  if ((action.path ?? '') === '') report.required(child(path, 'path'));
  validatePortOrName(action.port, child(path, 'port'), report);
  oneOf(action.scheme, ['HTTP', 'HTTPS'], child(path, 'scheme'), report, 'optional');
  for (const { name = '' } of action.httpHeaders ?? []) {
    if (!/^[-A-Za-z0-9]+$/.test(name)) report.invalid(child(path, 'httpHeaders'), name, headerRule);
  }
}
