// The BGP half of a speaker: a session for each BGPPeer of this node, told what the node has to announce.
// Knows objects and the speaker's door; nothing of messages.
import type { Secret } from 'kubernetes-types/core/v1.js';
import type { BGPPeer } from '#kube/api/load-balancer/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { createSpeaker, type Speaker } from '#traffic/announce/bgp/speaker.ts';
import type { SpeakerStatus } from '#traffic/announce/bgp/status.ts';
import type { BgpRoute } from '#traffic/model/announce/announcement.ts';
import type { PrivateText } from '#traffic/model/ir-base.ts';
import { messageOf } from '../failure.ts';
import { type PeerProblem, type PeersGiven, passwordSecretOf, readPeers } from './bgp-peers.ts';

export interface BgpSideOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asked for on the command line; over what peers ask for. */
  readonly routerId: string | undefined;
  readonly onProblems: (problems: readonly PeerProblem[]) => void;
}

export interface BgpWanted extends Omit<PeersGiven, 'obstacle' | 'passwords'> {
  readonly routes: readonly BgpRoute[];
  /** The IPv4 address of the node, which makes a good router ID. */
  readonly nodeAddress: string | undefined;
}

const GOODBYE_MS = 1_000;
const AGAIN_MS = 5_000;

export class BgpSide {
  readonly #options: BgpSideOptions;
  #speaker: Speaker | undefined;
  /** What cannot be changed of a speaker. */
  #identity = '';
  #wanted: BgpWanted | undefined;
  #running: Promise<void> | undefined;
  #retry: Cancel | undefined;
  #closed = false;
  #configured = '';

  constructor(options: BgpSideOptions) {
    this.#options = options;
  }

  status(): SpeakerStatus | undefined {
    return this.#speaker?.status();
  }

  metrics(format?: MetricFormat): string {
    return this.#speaker?.metrics(format) ?? '';
  }

  /** All that holds from now on. */
  want(wanted: BgpWanted): void {
    this.#wanted = wanted;
    if (this.#closed) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#wanted !== undefined) this.want(this.#wanted);
    });
  }

  /** Withdraws everything, and resolves when routers have been told. */
  async withdraw(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#speaker?.announce([]);
    await this.#speaker?.settled(GOODBYE_MS);
  }

  async close(reason: string): Promise<void> {
    this.#closed = true;
    this.#retry?.();
    await this.#running;
    await this.#speaker?.close({ reason });
  }

  async #run(): Promise<void> {
    const { log, clock } = this.#options;
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted === undefined) return;
    try {
      await this.#apply(wanted);
    } catch (error) {
      log.error({ error: messageOf(error) }, 'BGP is not as it should be; trying again');
      this.#retry ??= clock.after(AGAIN_MS, () => {
        this.#retry = undefined;
        if (this.#wanted === undefined) this.want(wanted);
      });
    }
  }

  async #apply(wanted: BgpWanted): Promise<void> {
    const passwords = await this.#passwords(wanted.peers);
    const {
      peers,
      localAs,
      routerId: theirs,
      problems,
    } = readPeers({
      ...wanted,
      passwords,
      obstacle: libcObstacle(),
    });
    const routerId = this.#options.routerId ?? theirs ?? wanted.nodeAddress;
    this.#options.onProblems(problems);
    const identity = `${localAs} ${routerId}`;
    if (this.#speaker !== undefined && (localAs === undefined || identity !== this.#identity)) {
      await this.#speaker.close({ reason: 'The configuration has changed' });
      this.#speaker = undefined;
    }
    if (localAs === undefined) return;
    if (routerId === undefined) {
      throw new Error('The node has no IPv4 address to be the router ID: give one with --router-id');
    }
    // Towards a peer of another number of ours, an own password: all of it makes a peer another one.
    const configured = JSON.stringify(peers, (name, value) =>
      name === 'password' ? (value as PrivateText).value : value,
    );
    if (this.#speaker === undefined) {
      const { clock, log } = this.#options;
      this.#speaker = await createSpeaker({ localAs, routerId, peers, clock, log: log.child({ part: 'bgp' }) });
      this.#identity = identity;
    } else if (configured !== this.#configured) this.#speaker.setPeers(peers);
    this.#configured = configured;
    this.#speaker.announce(
      wanted.routes.map(({ prefix, localPref, communities, peers: to }) => ({
        prefix,
        // As people write them there.
        communities: communities.map((one) => one.replace(/^large:/, '')),
        peers: to,
        ...(localPref === undefined ? {} : { localPref }),
      })),
    );
  }

  async #passwords(peers: readonly BGPPeer[]): Promise<Map<string, PrivateText | string>> {
    const passwords = new Map<string, PrivateText | string>();
    for (const peer of peers) {
      const secret = passwordSecretOf(peer);
      if (secret === undefined) continue;
      const { namespace, name } = secret;
      try {
        const { data } = await this.#options.client.get<Secret>(builtin('Secret'), name, namespace);
        const value = Buffer.from(data?.password ?? '', 'base64').toString();
        const missing = `spec.passwordSecret: Secret "${namespace}/${name}" has no data.password: add it`;
        passwords.set(objectKey(peer), value === '' ? missing : { value, private: true });
      } catch (error) {
        const why = `spec.passwordSecret: Secret "${namespace}/${name}" cannot be read: ${messageOf(error)}`;
        passwords.set(objectKey(peer), why);
      }
    }
    return passwords;
  }
}
