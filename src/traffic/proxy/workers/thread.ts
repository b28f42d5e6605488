// Entry of a worker thread: passes messages between the engine and the data plane, and nothing else.
// Knows nothing of what they say.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#lib/clock.ts';
import type { LogFields, Logger } from '#lib/log.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { ProxyWorker } from './proxy-worker.ts';

const port = parentPort;
if (port === null) throw new Error('Cannot start: this file is the entry of a worker thread');

/** Log lines are written by the engine, which owns the logger. */
function forwardingLogger(bound: LogFields): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: LogFields, text: string): void =>
      send({ type: 'log', level, fields: { ...bound, ...fields }, text });
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => forwardingLogger({ ...bound, ...fields }),
  };
}

function send(message: FromWorker): void {
  port?.postMessage(message);
}

const settings = workerData as WorkerSettings;
const worker = new ProxyWorker(settings, {
  clock: systemClock,
  log: forwardingLogger({ worker: settings.index }),
  send,
});
port.on('message', (message: ToWorker) => {
  worker.receive(message);
  // Closing the port lets the thread come to its end once its sockets are closed.
  if (message.type === 'stop') port.close();
});
