// Lifecycle hooks of a container: postStart and preStop as exec, httpGet, tcpSocket or sleep.
// Knows nothing of when they run.
import type { Container, LifecycleHandler } from 'kubernetes-types/core/v1.js';
import type { Clock } from '#lib/clock.ts';
import { httpProbe } from '../prober/http-probe.ts';
import { resolvePort } from '../prober/port.ts';
import type { RunningContainer } from '../runtime.ts';

/** Requests of a hook have no limit of their own; the grace period ends them. */
const HTTP_TIMEOUT_MS = 30_000;

export interface HookInput {
  readonly container: Container;
  readonly running: Pick<RunningContainer, 'exec'>;
  readonly podIp: string;
  /** Longest run in milliseconds. */
  readonly limitMs: number;
  readonly clock: Clock;
}

/** Resolves with a message when the hook failed, with `undefined` when it did what it should. Never rejects. */
export async function runHook(hook: LifecycleHandler, input: HookInput): Promise<string | undefined> {
  const { container, running, podIp, limitMs, clock } = input;
  if (hook.exec !== undefined) {
    const command = hook.exec.command ?? [];
    const result = await running.exec(command, limitMs);
    if (result.timedOut) return `command '${command.join(' ')}' did not end within ${limitMs / 1000}s`;
    if (result.exitCode === 0) return undefined;
    return `command '${command.join(' ')}' exited with ${result.exitCode}: ${result.output}`;
  }
  if (hook.httpGet !== undefined) {
    const { scheme, host, port, path = '/', httpHeaders = [] } = hook.httpGet;
    try {
      const target = {
        scheme: scheme?.toUpperCase() === 'HTTPS' ? ('https' as const) : ('http' as const),
        host: host === undefined || host === '' ? podIp : host,
        port: resolvePort(port, container),
        path,
        headers: httpHeaders,
      };
      const result = await httpProbe(target, Math.min(limitMs, HTTP_TIMEOUT_MS), clock);
      // Any answer will do, as upstream: only a request that could not be made is a failure.
      return result.outcome === 'success' || result.output.startsWith('HTTP probe failed') ? undefined : result.output;
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (hook.sleep !== undefined) {
    const ms = Math.min(hook.sleep.seconds * 1000, limitMs);
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    return undefined;
  }
  return `invalid handler: container "${container.name}" names no exec, httpGet or sleep`;
}
