// Whether the ports of new listeners can be had, asked before anything is changed.
// Binds, looks and lets go; whoever binds later may still be late.
import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import type { Listener } from '#traffic/model/ir.ts';
import { codeOf, messageOf } from '../failure.ts';
import type { ManifestProblem, Position } from '../manifests/document.ts';
import { fieldPath } from './field-path.ts';

type Listeners = ReadonlyMap<string, Listener>;

/** `held` are the listeners that run: their ports are ours. */
export async function portProblems(
  wanted: Listeners,
  held: Listeners,
  locate: (field: string) => Position,
): Promise<readonly ManifestProblem[]> {
  const ours = new Set([...held.values()].map(placeOf));
  const problems = [...wanted.values()].map(async (listener) => {
    if (listener.port === 0 || ours.has(placeOf(listener))) return [];
    const error = await bindOnce(listener);
    return error === undefined ? [] : [listenProblem(listener, error, locate)];
  });
  return (await Promise.all(problems)).flat();
}

/** Why a listener cannot be had, and which field helps. */
export function listenProblem(
  listener: Listener,
  error: unknown,
  locate: (field: string) => Position,
): ManifestProblem {
  const { name, port } = listener;
  const address = listener.address === '' ? 'any address' : listener.address;
  const path = fieldPath(['listeners', name]);
  const at = (part: 'port' | 'address', message: string, remedy: string): ManifestProblem => {
    const field = `${path}.${part}`;
    return { position: locate(field), field, message, remedy: `${remedy} "${field}"` };
  };
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return at('port', `Port ${port} on ${address} is taken by another process`, 'Free it, or change');
    case 'EACCES':
      return at('port', `Port ${port} on ${address} needs more rights`, 'Use one above 1023, or more rights:');
    case 'EADDRNOTAVAIL':
      return at('address', `This machine has no address ${address}`, 'Use one that "ip address" shows, for');
    default:
      return at('port', `Cannot listen on port ${port} of ${address}: ${messageOf(error)}`, 'Change');
  }
}

/** Address aside: one of ours on every address would be in the way of one on a single address. */
function placeOf({ protocol, port }: Listener): string {
  return `${protocol === 'udp' ? 'udp' : 'tcp'} ${port}`;
}

function bindOnce({ protocol, address, port }: Listener): Promise<unknown> {
  return new Promise((resolve) => {
    if (protocol === 'udp') {
      const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
      socket.once('error', (error) => {
        socket.close();
        resolve(error);
      });
      socket.bind({ port, ...(address === '' ? {} : { address }), exclusive: true }, () =>
        socket.close(() => resolve(undefined)),
      );
      return;
    }
    const server = createServer();
    server.once('error', resolve);
    server.listen({ port, ...(address === '' ? {} : { host: address }), exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}
