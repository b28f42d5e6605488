// What the engine does with a certificate that cannot be used.
import { expect, it } from 'vitest';
import { silentLogger } from '#lib/log.ts';
import { certificate, listener } from '../testing/model.ts';
import { ServerContexts } from './server-contexts.ts';
import { TicketSecretRing } from './ticket-keys.ts';

it('is said once a certificate, not once a handshake', () => {
  const lines: unknown[] = [];
  const contexts = new ServerContexts(
    { ...silentLogger, error: (fields) => lines.push(fields) },
    new TicketSecretRing().secrets,
    1000,
  );
  const broken = [certificate('shop/tls', ['a.test'], { cert: 'no certificate', key: 'no key' })];
  expect(contexts.of(broken, listener('https', 'https'))).toBeUndefined();
  expect(contexts.of(broken, listener('https', 'https'))).toBeUndefined();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ certificate: 'shop/tls' });
});
