// The process of simulated backends: one port each, HTTP/1.1 GETs, an answer that names who gave it.
// Argument: the ports. Each message from the parent is a fleet to be from now on, answered once it is.

import { createServer, type Socket } from 'node:net';
import { seeded } from '../lib/statistics.ts';
import { type BackendPlan, type Job, SimulatedBackend } from './service-time.ts';

export interface FleetPlan {
  readonly seed: number;
  /** By port, in the order of the ports; ports beyond are answered 503. */
  readonly backends: readonly BackendPlan[];
}

const ports = (process.argv[2] ?? '').split(',').map(Number);
let fleet: SimulatedBackend[] = [];

function begin(plan: FleetPlan): void {
  fleet = plan.backends.map(
    (backend, i) =>
      new SimulatedBackend(
        backend,
        seeded(plan.seed * 1000 + i),
        () => performance.now(),
        (ms, run) => setTimeout(run, ms),
      ),
  );
}

function serve(index: number, socket: Socket): void {
  let text = '';
  let current: Job | undefined;
  const answer = (status: number): void => {
    current = undefined;
    const reason = status === 200 ? 'OK' : 'Service Unavailable';
    socket.write(
      `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nX-Evenkeel-Endpoint: backend-${index}\r\nContent-Length: 3\r\n\r\nok\n`,
      'latin1',
    );
  };
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => {
    text += piece;
    // A proxy has one request at a time on a connection, and GETs have no body.
    if (!text.endsWith('\r\n\r\n')) return;
    text = '';
    const backend = fleet[index];
    current = { cancelled: false, done: answer };
    if (backend === undefined) answer(503);
    else backend.take(current);
  });
  socket.on('close', () => {
    if (current !== undefined) current.cancelled = true;
  });
  socket.on('error', () => socket.destroy());
}

ports.forEach((port, index) => {
  createServer({ noDelay: true }, (socket) => serve(index, socket)).listen({ port, host: '127.0.0.1', backlog: 1024 });
});

process.on('message', (plan: FleetPlan) => {
  begin(plan);
  process.send?.('ready');
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
