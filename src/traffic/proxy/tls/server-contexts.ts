// TLS servers by listener and certificates: made once, shared by all connections, swapped without touching open ones.
// Knows nothing of HTTP. Which certificates a server name gets is the snapshot's business.

import { constants, createHash, X509Certificate } from 'node:crypto';
import { createServer, type SecureContext, type Server, type TlsOptions } from 'node:tls';
import type { Logger } from '#lib/log.ts';
import type { Certificate, Listener } from '#traffic/model/ir.ts';
import { deriveTicketKeys, type TicketKeys, type TicketSecrets, ticketAnswer } from './ticket-keys.ts';

/** Seconds a session may be resumed; its client certificate is looked at again each time. */
const SESSION_LIFETIME = 7200;

/** One TLS configuration: what a listener wants, with the certificates of a server name. Feed it accepted sockets. */
export interface TlsContext {
  readonly server: Server;
  readonly certificates: readonly Certificate[];
}

interface Made extends TlsContext {
  readonly id: string;
  keys: TicketKeys;
}

/** Node.js has the callback that lets two ticket keys be good at once, but does not document it. */
interface TicketCallbackHost {
  enableTicketKeyCallback?(): void;
  onticketkeycallback?: (name: Buffer, iv: Buffer, encrypt: boolean) => readonly unknown[];
}

export class ServerContexts {
  /** Goes with the certificates: one that was replaced leaves no key behind. Undefined where none can be used. */
  readonly #contexts = new WeakMap<readonly Certificate[], Map<string, Made | undefined>>();
  /** Those of `#contexts` that may be alive, to give them new ticket keys. */
  readonly #made = new Set<WeakRef<Made>>();
  readonly #log: Logger;
  readonly #handshakeTimeout: number;
  #secrets: TicketSecrets;

  constructor(log: Logger, secrets: TicketSecrets, handshakeTimeout: number) {
    this.#log = log;
    this.#secrets = secrets;
    this.#handshakeTimeout = handshakeTimeout;
  }

  /** Undefined when no certificate can be used, or the listener's settings cannot; that is logged once. */
  of(certificates: readonly Certificate[], listener: Listener): TlsContext | undefined {
    let contexts = this.#contexts.get(certificates);
    if (contexts === undefined) {
      contexts = new Map();
      this.#contexts.set(certificates, contexts);
    }
    const key = settingsKey(listener);
    if (!contexts.has(key)) contexts.set(key, this.#create(certificates, listener, key));
    return contexts.get(key);
  }

  /** New tickets are made with the first from now on. */
  useSecrets(secrets: TicketSecrets): void {
    this.#secrets = secrets;
    for (const ref of this.#made) {
      const made = ref.deref();
      if (made === undefined) this.#made.delete(ref);
      else made.keys = deriveTicketKeys(secrets, made.id);
    }
  }

  #create(certificates: readonly Certificate[], listener: Listener, key: string): Made | undefined {
    const usable = onePerKeyType(certificates, this.#log);
    if (usable.length === 0) return undefined;
    // A session must not be taken to another listener, to other rules, or to a name with another certificate.
    const id = createHash('sha256')
      .update([key, ...usable.map(({ name, fingerprint }) => `${name} ${fingerprint}`)].join('\n'))
      .digest('hex');
    try {
      const server = createServer({
        ...serverOptions(listener),
        ...pairsOf(usable),
        sessionIdContext: id.slice(0, 32),
        handshakeTimeout: this.#handshakeTimeout,
      });
      const made: Made = { server, certificates: usable, id, keys: deriveTicketKeys(this.#secrets, id) };
      shareTickets(server, made);
      this.#made.add(new WeakRef(made));
      return made;
    } catch (error) {
      this.#log.error({ listener: listener.name, error: messageOf(error) }, 'Cannot use TLS settings of listener');
      return undefined;
    }
  }
}

/** Everything a context is made of beside certificates. */
function settingsKey({ name, http2, tls, protocol }: Listener): string {
  return JSON.stringify([
    name,
    protocol,
    http2 ?? true,
    tls?.minVersion,
    tls?.maxVersion,
    tls?.ciphers,
    tls?.clientCertificates,
  ]);
}

function serverOptions(listener: Listener): TlsOptions {
  const { tls } = listener;
  const clients = tls?.clientCertificates;
  return {
    allowHalfOpen: true,
    minVersion: tls?.minVersion ?? 'TLSv1.2',
    maxVersion: tls?.maxVersion ?? 'TLSv1.3',
    ...(tls?.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    // What is carried unread may speak anything.
    ...(listener.protocol === 'tls'
      ? {}
      : { ALPNProtocols: listener.http2 === false ? ['http/1.1'] : ['h2', 'http/1.1'] }),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionTimeout: SESSION_LIFETIME,
    ...(clients === undefined
      ? {}
      : { requestCert: true, rejectUnauthorized: clients.mode === 'required', ca: clients.caPem }),
  };
}

/** OpenSSL keeps one certificate a kind of key: of several with the same, the first by name is served. */
function onePerKeyType(certificates: readonly Certificate[], log: Logger): readonly Certificate[] {
  const byType = new Map<string, Certificate>();
  for (const certificate of certificates) {
    try {
      const type = new X509Certificate(certificate.certificateChainPem).publicKey.asymmetricKeyType ?? '';
      if (byType.has(type)) continue;
      // Says of this pair alone whether it can be used.
      createServer(pairsOf([certificate]));
      byType.set(type, certificate);
    } catch (error) {
      log.error(
        { certificate: certificate.name, error: messageOf(error) },
        'Cannot use certificate: replace its certificate chain and key',
      );
    }
  }
  return [...byType.values()];
}

function pairsOf(certificates: readonly Certificate[]): TlsOptions {
  return {
    cert: certificates.map(({ certificateChainPem }) => certificateChainPem),
    key: certificates.map(({ privateKeyPem }) => privateKeyPem.value),
  };
}

function shareTickets(server: Server, made: { readonly keys: TicketKeys }): void {
  const host = (server as Server & { _sharedCreds?: SecureContext })._sharedCreds?.context as
    | TicketCallbackHost
    | undefined;
  if (host?.enableTicketKeyCallback === undefined) {
    // Without it only the newest key opens tickets; a rotation costs the sessions made before.
    const { name, hmac, aes } = made.keys[0];
    server.setTicketKeys(Buffer.concat([name, hmac, aes]));
    return;
  }
  host.enableTicketKeyCallback();
  host.onticketkeycallback = (name, _iv, encrypt) => ticketAnswer(made.keys, name, encrypt);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether one of the certificate's names covers `host`; a wildcard covers exactly one label. */
export function covers(certificate: Certificate, host: string): boolean {
  for (const name of certificate.hostnames) {
    if (name === host) return true;
    if (name.startsWith('*.') && host.indexOf('.') > 0 && host.slice(host.indexOf('.')) === name.slice(1)) return true;
  }
  return false;
}
