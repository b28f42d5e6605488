// No proxy: a Node.js program that passes bytes on and looks at none of them, by the reads and writes of our engine.
// What it costs is what Node.js costs; what the engine costs beyond it is ours.

import { fileURLToPath } from 'node:url';
import type { Arena } from '../arena.ts';
import type { Contestant, ProxyKind, Setup } from './contestant.ts';

export const relay: ProxyKind = {
  program: process.execPath,
  debian: '',
  async make({ backends }: Setup, arena: Arena, name: string): Promise<Contestant> {
    const port = await arena.port();
    const script = fileURLToPath(new URL('./relay-process.ts', import.meta.url));
    const places = backends.map((backend) => `${backend.address}:${backend.port}`);
    return { name, port, command: process.execPath, args: [script, `${port}`, ...places], ipc: true };
  },
};
