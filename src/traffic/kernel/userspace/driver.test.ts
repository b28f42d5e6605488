// The driver of a process that has no rights: it serves what the machine has, and says what it does not serve.
// What it does with rights is the contract's matter.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./testing/without-rights.ts', import.meta.url));

async function listening(): Promise<{ readonly port: number; readonly close: () => void }> {
  const server = createServer((socket) => socket.end('here')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

it('serves addresses of the machine without any rights, and tells of the others once', async () => {
  const [endpoint, free] = [await listening(), await listening()];
  free.close();
  const child = spawn(process.execPath, [PROGRAM, String(free.port), String(endpoint.port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line === 'serving') break;
    }
    expect(lines).toEqual([
      expect.stringMatching(/^Warning: Only addresses that this machine has are served, for making routes needs root/),
      expect.stringMatching(
        /^Warning: "shop\/web.*" is not served on 10\.96\.0\.10:80: this machine has no such address/,
      ),
      'serving',
    ]);
    const client = connect(free.port, '127.0.0.1');
    const [answer] = (await once(client, 'data')) as [Buffer];
    client.destroy();
    expect(String(answer)).toBe('here');
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    endpoint.close();
  }
}, 60_000);
