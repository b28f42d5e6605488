// TLS handshakes, one connection after the other on a number of clients: full ones, or resumed with a ticket.
// A process of its own does them on the load core. Knows nothing of HTTP but one GET for a first ticket.

import { fileURLToPath } from 'node:url';
import type { Arena } from '../arena.ts';
import type { LoadResult } from './result.ts';

export interface HandshakePlan {
  readonly port: number;
  readonly resumed: boolean;
  readonly clients: number;
  readonly seconds: number;
}

export async function handshakes(arena: Arena, plan: HandshakePlan): Promise<LoadResult> {
  const script = fileURLToPath(new URL('./handshakes-process.ts', import.meta.url));
  return JSON.parse(await arena.output(process.execPath, [script, JSON.stringify(plan)])) as LoadResult;
}
