// Session tickets over changes of their keys, judged by real handshakes.
import { createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '#lib/log.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { certificate, listener } from '../testing/model.ts';
import { ask } from '../testing/tls-client.ts';
import { ServerContexts } from './server-contexts.ts';
import { deriveTicketKeys, TicketSecretRing, ticketAnswer } from './ticket-keys.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

it.each(['TLSv1.2', 'TLSv1.3'] as const)('the last key opens tickets, the one before does not, %s', async (version) => {
  const root = await createAuthority({ commonName: 'Root' });
  const pair = await root.issue({ commonName: 'a.test', dnsNames: ['a.test'] });
  const ring = new TicketSecretRing();
  const contexts = new ServerContexts(silentLogger, ring.secrets, 5000);
  const certificates = [certificate('shop', ['a.test'], { cert: pair.certPem, key: pair.keyPem })];
  const context = contexts.of(certificates, listener('https', 'https'));
  context?.server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  });
  const accepting = createServer((socket) => context?.server.emit('connection', socket));
  cleanups.push(() => accepting.close());
  await new Promise<void>((resolve) => accepting.listen(0, '127.0.0.1', resolve));
  const port = (accepting.address() as { port: number }).port;
  const options = { ca: root.certPem, servername: 'a.test', minVersion: version, maxVersion: version };

  const first = await ask(port, options);
  contexts.useSecrets(ring.rotate());
  const second = await ask(port, { ...options, session: first.session });
  expect(second.resumed).toBe(true);
  contexts.useSecrets(ring.rotate());
  // Opened with the old key, the ticket was renewed with the new one.
  expect((await ask(port, { ...options, session: second.session })).resumed).toBe(true);
  expect((await ask(port, { ...options, session: first.session })).resumed).toBe(false);
});

it('no context opens the tickets of another', () => {
  const { secrets } = new TicketSecretRing();
  const [here, there] = [deriveTicketKeys(secrets, 'a'), deriveTicketKeys(secrets, 'b')];
  expect(ticketAnswer(here, here[0].name, false)[0]).toBe(1);
  expect(ticketAnswer(here, there[0].name, false)[0]).toBe(0);
});

it('every member of an answer is a buffer, whatever the ticket: Node.js would end the process', () => {
  const keys = deriveTicketKeys(new TicketSecretRing().secrets, 'a');
  for (const encrypt of [true, false]) {
    for (const name of [keys[0].name, Buffer.alloc(16), Buffer.alloc(0)]) {
      expect(ticketAnswer(keys, name, encrypt).slice(1).map(Buffer.isBuffer)).toEqual([true, true, true, true]);
    }
  }
});
