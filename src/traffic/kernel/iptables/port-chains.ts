// From the rules of one Service port to its chains, and its lines in the chains that all ports share.
// Pure; kube-proxy's way: a line a front, a chain of chances, a chain an endpoint.
import {
  type EndpointSetName,
  type Front,
  outcomeOf,
  type PortRules,
  type RuleEndpoint,
} from '#traffic/snapshot/rules/rule-model.ts';
import { chainName, dialectOf, matchFront, probability } from './words.ts';

export type TableName = 'nat' | 'filter';

/** Chains that hold lines of many ports, in any order. */
export const SHARED_CHAINS = {
  // A name before those of the chains it leads to: see `byTarget` in table-state.ts.
  nat: ['ADDRESSES'],
  filter: ['FIREWALL', 'REFUSALS', 'CLUSTERIPS'],
} as const satisfies Record<TableName, readonly string[]>;

export type SharedChain = (typeof SHARED_CHAINS)[TableName][number];

export interface PortText {
  /** Own chains by name, with their rules in order. */
  readonly chains: Readonly<Record<TableName, ReadonlyMap<string, readonly string[]>>>;
  /** Lines in shared chains. */
  readonly lines: ReadonlyMap<SharedChain, readonly string[]>;
}

export interface PortContext {
  readonly prefix: string;
  /** CIDRs of pods in the family of the port. */
  readonly podRanges: readonly string[];
  readonly masqueradeAll: boolean;
}

export function portText(rules: PortRules, context: PortContext): PortText {
  return new PortWriter(rules, context).write();
}

class PortWriter {
  readonly #rules: PortRules;
  readonly #context: PortContext;
  readonly #nat = new Map<string, readonly string[]>();
  readonly #filter = new Map<string, readonly string[]>();
  readonly #lines = new Map<SharedChain, string[]>();

  constructor(rules: PortRules, context: PortContext) {
    this.#rules = rules;
    this.#context = context;
  }

  write(): PortText {
    for (const front of this.#rules.fronts) this.#front(front);
    return { chains: { nat: this.#nat, filter: this.#filter }, lines: this.#lines };
  }

  #front(front: Front): void {
    const { family } = this.#rules;
    const match = matchFront(family, front.address, this.#rules, front.port);
    if (front.kind === 'cluster_ip') {
      this.#line('CLUSTERIPS', `-d ${front.address}/${dialectOf(family).hostBits} -j ${this.#fixed('REFUSE')}`);
    }
    const outcomes = (['pod', 'node', 'other'] as const).map((source) => outcomeOf(this.#rules, front, source));
    const refusal = outcomes.find(({ type }) => type !== 'forward');
    if (refusal !== undefined) {
      this.#line('REFUSALS', `${match} -j ${refusal.type === 'reject' ? this.#fixed('REFUSE') : 'DROP'}`);
    }
    const serves = outcomes.some(({ type }) => type === 'forward');
    const target = !serves ? undefined : front.kind === 'cluster_ip' ? this.#internal() : this.#external();
    if (front.allowedSources === undefined) {
      if (target !== undefined) this.#line('ADDRESSES', `${match} -j ${target}`);
      return;
    }
    // Whoever may not use it keeps its destination, and is dropped after translation.
    const about = `${front.address} ${front.port} ${this.#rules.name}`;
    const guard = chainName(this.#context.prefix, 'FWD', about);
    this.#filter.set(guard, [...front.allowedSources.map((source) => `-s ${source} -j RETURN`), '-j DROP']);
    this.#line('FIREWALL', `${match} -j ${guard}`);
    if (target === undefined) return;
    const gate = chainName(this.#context.prefix, 'FWS', about);
    this.#nat.set(
      gate,
      front.allowedSources.map((source) => `-s ${source} -j ${target}`),
    );
    this.#line('ADDRESSES', `${match} -j ${gate}`);
  }

  #internal(): string {
    const outcome = this.#rules.internal.other;
    const name = this.#name('INT');
    if (outcome.type !== 'forward') return name;
    const masquerade = this.#context.masqueradeAll
      ? [`-j ${this.#fixed('MARK')}`]
      : outcome.masquerade
        ? [`-j ${this.#fixed('OUTSIDERS')}`]
        : [];
    this.#nat.set(name, [...masquerade, `-j ${this.#set(outcome.to)}`]);
    return name;
  }

  #external(): string {
    const { pod, node, other } = this.#rules.external;
    const name = this.#name('EXT');
    const rules: string[] = [];
    if (other.type === 'forward' && other.to === 'cluster') {
      rules.push(`-j ${this.#fixed('MARK')}`, `-j ${this.#set('cluster')}`);
    } else {
      // externalTrafficPolicy Local: pods and the node itself go to any endpoint.
      if (pod.type === 'forward') {
        for (const range of this.#context.podRanges) rules.push(`-s ${range} -j ${this.#set(pod.to)}`);
      }
      if (node.type === 'forward') {
        rules.push(`-m addrtype --src-type LOCAL -j ${this.#fixed('MARK')}`);
        rules.push(`-m addrtype --src-type LOCAL -j ${this.#set(node.to)}`);
      }
      if (other.type === 'forward') rules.push(`-j ${this.#set(other.to)}`);
    }
    this.#nat.set(name, rules);
    return name;
  }

  /** The chain of chances of a set. */
  #set(name: EndpointSetName): string {
    const chain = this.#name(name === 'cluster' ? 'SVC' : 'SVL');
    if (this.#nat.has(chain)) return chain;
    const { affinitySeconds, family } = this.#rules;
    const endpoints = this.#rules.sets[name];
    const own = endpoints.map((endpoint) => this.#endpoint(endpoint));
    const { hostMask } = dialectOf(family);
    const stay =
      affinitySeconds === 0
        ? []
        : own.map(
            (to) =>
              `-m recent --rcheck --seconds ${affinitySeconds} --reap --name ${to} --mask ${hostMask} --rsource -j ${to}`,
          );
    let left = endpoints.reduce((sum, { weight }) => sum + weight, 0);
    const chances = endpoints.map(({ weight }, place) => {
      const share = weight / left;
      left -= weight;
      const to = own[place] ?? '';
      const last = place === endpoints.length - 1;
      return last ? `-j ${to}` : `-m statistic --mode random --probability ${probability(share)} -j ${to}`;
    });
    this.#nat.set(chain, [...stay, ...chances]);
    return chain;
  }

  #endpoint({ address, port, local }: RuleEndpoint): string {
    const { family, protocol, affinitySeconds, name } = this.#rules;
    const chain = chainName(this.#context.prefix, 'SEP', `${name} ${address} ${port}`);
    const { hostBits, hostMask } = dialectOf(family);
    const remember = affinitySeconds === 0 ? '' : ` -m recent --set --name ${chain} --mask ${hostMask} --rsource`;
    const to = family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
    this.#nat.set(chain, [
      // A pod that reaches itself must not see its own address as the source.
      ...(local ? [`-s ${address}/${hostBits} -j ${this.#fixed('MARK')}`] : []),
      `-p ${protocol.toLowerCase()}${remember} -j DNAT --to-destination ${to}`,
    ]);
    return chain;
  }

  #name(kind: string): string {
    return chainName(this.#context.prefix, kind, this.#rules.name);
  }

  #fixed(kind: string): string {
    return `${this.#context.prefix}-${kind}`;
  }

  #line(chain: SharedChain, line: string): void {
    const lines = this.#lines.get(chain) ?? [];
    lines.push(line);
    this.#lines.set(chain, lines);
  }
}
