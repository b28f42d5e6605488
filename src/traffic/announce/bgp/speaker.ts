// The BGP speaker: announces prefixes to routers, and learns nothing from them.
// Puts peers, connections and BFD together; what to announce is said from outside, as a whole.
import { type Clock, systemClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { RemoteBfd } from './bfd/remote.ts';
import type { BfdHandle } from './bfd/service.ts';
import { type PeerConfig, peerProblems } from './config.ts';
import { SpeakerMetrics } from './metrics.ts';
import { nextHopsAt } from './net/next-hops.ts';
import { type Security, securityObstacle } from './net/secure-socket.ts';
import { Tcp } from './net/tcp.ts';
import { type Announcement, routesByPeer } from './routes/announcement.ts';
import { Peer, type PeerTools } from './session/peer.ts';
import type { PeerStatus, SpeakerStatus } from './status.ts';
import { addressBytes, addressKey } from './wire/family.ts';
import { CEASE } from './wire/fault.ts';

export interface SpeakerOptions {
  readonly localAs: number;
  /** An IPv4 address that no other router has; it need not be one of this machine. */
  readonly routerId: string;
  readonly peers: readonly PeerConfig[];
  /** Where peers can connect to; without it only this side connects. */
  readonly listen?: { readonly address: string; readonly port: number };
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Called soon after `status()` may say something new. */
  readonly changed?: () => void;
}

export interface CloseOptions {
  /** Told to the peers (RFC 9003). */
  readonly reason?: string;
  /** Leaves without a word, so that peers which know graceful restart keep the routes for a successor. */
  readonly keepRoutes?: boolean;
}

export interface Speaker {
  /**
   * Everything that is to be announced from now on; what was before and is not here is withdrawn. Before the first call
   * peers are told nothing, not even that there is nothing. Throws when something is wrong, and changes nothing then.
   */
  announce(announcements: Iterable<Announcement>): void;
  /** Resolves with true once the kernel has taken all that was announced or withdrawn, with false after `timeoutMs`. */
  settled(timeoutMs: number): Promise<boolean>;
  /** All peers from now on: those that stay as they are keep their sessions. Throws when something is wrong. */
  setPeers(peers: readonly PeerConfig[]): void;
  status(): SpeakerStatus;
  /** In Prometheus' text format. */
  metrics(format?: MetricFormat): string;
  /** Withdraws everything, says goodbye, and resolves when connections are closed. */
  close(options?: CloseOptions): Promise<void>;
}

interface Member {
  readonly peer: Peer;
  readonly bfd: BfdHandle | undefined;
}

const SETTLE_POLL_MS = 10;

/** Rejects when the options are wrong, or nobody can be waited for at `listen`. */
export async function createSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const speaker = new BgpSpeaker(options);
  await speaker.start();
  return speaker;
}

class BgpSpeaker implements Speaker {
  readonly #options: SpeakerOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #metrics = new SpeakerMetrics();
  readonly #tcp: Tcp;
  readonly #bfd: RemoteBfd;
  readonly #tools: PeerTools;
  readonly #members = new Map<string, Member>();
  #announcements: readonly Announcement[] | undefined;
  #port: number | undefined;
  #closed = false;
  #telling = false;

  constructor(options: SpeakerOptions) {
    const { localAs, routerId, log = silentLogger, clock = systemClock, random = Math.random } = options;
    if (addressBytes(routerId)?.length !== 4 || routerId === '0.0.0.0') {
      throw new Error(`The router ID of the speaker is "${routerId}": use an IPv4 address that no other router has`);
    }
    if (!(Number.isInteger(localAs) && localAs > 0 && localAs <= 0xffff_ffff)) {
      throw new Error(`localAs of the speaker is ${localAs}: use 1 to 4294967295`);
    }
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#tcp = new Tcp(clock);
    this.#bfd = new RemoteBfd(clock, (problem) => log.error({ problem }, 'BFD does not work'));
    this.#tools = {
      localAs,
      routerId,
      clock,
      random,
      log,
      metrics: this.#metrics,
      dial: (target, done) => this.#tcp.dial(target, done),
      nextHopsAt: (localAddress) => nextHopsAt(localAddress),
      changed: () => this.#tell(),
    };
    checkPeers(options.peers, options.listen !== undefined);
  }

  async start(): Promise<void> {
    const { listen, peers } = this.#options;
    if (listen !== undefined) {
      const memberAt = (address: string): Member | undefined =>
        [...this.#members.values()].find(({ peer }) => addressKey(peer.config.address) === addressKey(address));
      const securityOf = (address: string): Security | undefined => {
        const member = memberAt(address);
        return member && securityFor(member.peer.config);
      };
      this.#port = await this.#tcp.listen(listen.address, listen.port, securityOf, (wire) => {
        const member = memberAt(wire.remoteAddress);
        if (member !== undefined) {
          member.peer.accept(wire);
          return;
        }
        this.#log.warn({ address: wire.remoteAddress }, 'Connection from no peer of ours refused');
        wire.drop();
      });
    }
    this.setPeers(peers);
  }

  announce(announcements: Iterable<Announcement>): void {
    const wanted = [...announcements];
    const tables = routesByPeer(wanted, [...this.#members.keys()]);
    this.#announcements = wanted;
    for (const [name, { peer }] of this.#members) peer.want(tables.get(name) ?? new Map());
  }

  async settled(timeoutMs: number): Promise<boolean> {
    const deadline = this.#clock.now() + timeoutMs;
    while ([...this.#members.values()].some(({ peer }) => !peer.settled)) {
      if (this.#clock.now() >= deadline) return false;
      await new Promise<void>((resolve) => this.#clock.after(SETTLE_POLL_MS, resolve));
    }
    return true;
  }

  setPeers(peers: readonly PeerConfig[]): void {
    checkPeers(peers, this.#options.listen !== undefined);
    const tables =
      this.#announcements &&
      routesByPeer(
        this.#announcements,
        peers.map(({ name }) => name),
      );
    const before = new Map(this.#members);
    for (const config of peers) {
      const known = before.get(config.name);
      before.delete(config.name);
      if (known !== undefined && same(known.peer.config, config)) continue;
      if (known !== undefined)
        this.#remove(known, { subcode: CEASE.otherChange, text: 'The configuration has changed' });
      this.#add(config);
    }
    for (const member of before.values()) {
      this.#remove(member, { subcode: CEASE.deconfigured, text: 'The peer is none any more' });
      this.#metrics.forget(member.peer.config.name);
    }
    for (const [name, table] of tables ?? []) this.#members.get(name)?.peer.want(table);
  }

  status(): SpeakerStatus {
    const { localAs, routerId } = this.#options;
    const peers = [...this.#members.values()].map(peerStatus);
    return { localAs, routerId, ...(this.#port === undefined ? {} : { port: this.#port }), peers };
  }

  metrics(format?: MetricFormat): string {
    return this.#metrics.text(format);
  }

  async close(options: CloseOptions = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { reason = '', keepRoutes = false } = options;
    for (const member of this.#members.values()) {
      this.#remove(member, keepRoutes ? undefined : { subcode: CEASE.shutdown, text: reason });
    }
    await Promise.all([this.#bfd.close(), this.#tcp.close()]);
  }

  /** Once for all that changes at a time, and never before `createSpeaker` has resolved. */
  #tell(): void {
    const { changed } = this.#options;
    if (changed === undefined || this.#telling) return;
    this.#telling = true;
    this.#clock.after(0, () => {
      this.#telling = false;
      changed();
    });
  }

  #add(config: PeerConfig): void {
    const peer = new Peer(config, this.#tools);
    const bfd =
      config.bfd &&
      this.#bfd.open(
        { address: config.address, multihop: config.multihop === true, localAddress: config.localAddress },
        config.bfd,
        {
          changed: (state) => {
            this.#metrics.bfd(config.name, state === 'up');
            this.#log.info({ peer: config.name, state }, 'BFD session changed');
            this.#tools.changed();
          },
          lost: () => {
            this.#metrics.bfdDown(config.name);
            peer.unreachable('BFD says that the peer cannot be reached');
          },
        },
      );
    this.#members.set(config.name, { peer, bfd });
    this.#metrics.state(config.name, false);
    if (config.password !== undefined) this.#tcp.expect(securityFor(config));
    peer.start();
  }

  /** BFD goes last: its end is no reason for anything, once the session has ended. */
  #remove(member: Member, cease: { readonly subcode: number; readonly text: string } | undefined): void {
    this.#members.delete(member.peer.config.name);
    member.peer.stop(cease);
    member.bfd?.close();
    const { address, password } = member.peer.config;
    if (password !== undefined) this.#tcp.expect({ address });
  }
}

function checkPeers(peers: readonly PeerConfig[], listens: boolean): void {
  const problems = peers.flatMap(peerProblems);
  const seen = { name: new Set<string>(), address: new Set<string>() };
  for (const { name, address, passive, password, ttlSecurity, device } of peers) {
    if (seen.name.has(name)) problems.push(`Peer "${name}" is there twice: rename one`);
    // One address may be two routers in two VRFs.
    const place = `${addressKey(address)} ${device ?? ''}`;
    if (seen.address.has(place)) problems.push(`Peer "${name}": another peer has the address "${address}"`);
    if (passive === true && !listens) problems.push(`Peer "${name}" is passive: let the speaker listen`);
    const obstacle = securityObstacle({ password: password?.value, ttlSecurity, device });
    if (obstacle !== undefined) {
      const field = password !== undefined ? 'password' : device !== undefined ? 'device' : 'ttlSecurity';
      problems.push(`Peer "${name}": ${field} cannot be had here because ${obstacle}`);
    }
    seen.name.add(name);
    seen.address.add(place);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function securityFor({ address, password, ttlSecurity }: PeerConfig): Security {
  return { address, password: password?.value, ttlSecurity };
}

/** Secrets print as nothing, so they are compared apart. */
function same(a: PeerConfig, b: PeerConfig): boolean {
  const { password: one, ...rest } = a;
  const { password: other, ...others } = b;
  const text = (config: object): string => JSON.stringify(Object.entries(config).sort(([x], [y]) => (x < y ? -1 : 1)));
  return one?.value === other?.value && text(rest) === text(others);
}

function peerStatus({ peer, bfd }: Member): PeerStatus {
  const { config, agreement, lastError } = peer;
  return {
    name: config.name,
    address: config.address,
    as: config.as,
    state: peer.state,
    since: peer.since,
    ...(lastError === undefined ? {} : { lastError }),
    prefixes: peer.outbound.told,
    withheld: [...peer.outbound.withheld()].map(([why, prefixes]) => ({ why, prefixes })),
    ...(agreement === undefined
      ? {}
      : {
          session: {
            remoteAs: agreement.remoteAs,
            routerId: agreement.routerId,
            holdTimeSec: agreement.holdTime,
            families: [...agreement.families],
            fourOctetAs: agreement.fourOctetAs,
            keptOnRestart: [...agreement.keptFor],
          },
        }),
    ...(bfd === undefined ? {} : { bfd: { state: bfd.state, detectMs: bfd.detectMs } }),
  };
}
