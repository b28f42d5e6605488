// One probe: a connection or a datagram, and what came of it.
// Every probe has a source port that was not used for long, so that no old flow of the kernel answers for it.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import type { ProbeOrder, ProbeResult } from './agent-words.ts';

/** Above the range of node ports, as the kernel's own choice mostly is. */
const FIRST_PORT = 33_000;
const LAST_PORT = 60_999;
let nextPort = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));

const REFUSALS = new Set(['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES']);

type Outcome = ProbeResult extends infer R ? (R extends { ms: number } ? Omit<R, 'ms'> : never) : never;

export async function probe(order: ProbeOrder): Promise<ProbeResult> {
  const flow = order.protocol === 'TCP' ? new TcpFlow(order) : new UdpFlow(order);
  const result = await flow.ask(order.patience);
  flow.shut();
  return result;
}

/** What both kinds share: who waits, and for how long. */
abstract class Flow {
  #waiting: ((outcome: Outcome) => void) | undefined;
  #early: Outcome | undefined;
  protected hint = '';

  /** Sends a question and waits for what comes of it. */
  async ask(patience: number): Promise<ProbeResult> {
    const began = performance.now();
    const outcome = await new Promise<Outcome>((resolve) => {
      const timer = setTimeout(() => {
        // What arrived while this process had no turn counts as arrived: look at the sockets once more.
        setImmediate(() => setImmediate(() => this.settle({ kind: 'silent', why: this.hint })));
      }, patience);
      this.#waiting = (found) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve(found);
      };
      if (this.#early !== undefined) this.settle(this.#early);
      else this.send();
    });
    return { ...outcome, ms: Math.round(performance.now() - began) } as ProbeResult;
  }

  protected settle(outcome: Outcome): void {
    if (this.#waiting !== undefined) this.#waiting(outcome);
    // A connection that was lost stays so; an answer belongs to one question.
    else if (outcome.kind === 'refused') this.#early = outcome;
  }

  protected answered(text: string): void {
    this.settle({ kind: 'answered', ...(JSON.parse(text) as { by: string; seenAs: string }) });
  }

  protected failed(code: string): void {
    if (REFUSALS.has(code)) this.settle({ kind: 'refused', why: code });
    // The kernel tells a local sender that it threw the packet away; whether somebody refuses is yet to come.
    else if (code === 'EPERM') this.hint = code;
    else this.settle({ kind: 'silent', why: code });
  }

  protected abstract send(): void;
  abstract shut(): void;
}

export class TcpFlow extends Flow {
  readonly #order: ProbeOrder;
  #socket: Socket | undefined;

  constructor(order: ProbeOrder) {
    super();
    this.#order = order;
  }

  protected override send(): void {
    if (this.#socket === undefined) this.#connect();
    else this.#socket.write('?\n');
  }

  #connect(): void {
    const { from, to, port } = this.#order;
    const socket = connect({ host: to, port, localAddress: from, localPort: takePort(), noDelay: true });
    this.#socket = socket;
    socket.on('data', (data) => this.answered(String(data).split('\n', 1)[0] ?? ''));
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (code === 'EADDRINUSE') this.#connect();
      else this.failed(code);
    });
    socket.on('end', () => this.failed('ECONNRESET'));
  }

  override shut(): void {
    this.#socket?.resetAndDestroy();
  }
}

export class UdpFlow extends Flow {
  readonly #order: ProbeOrder;
  #socket: UdpSocket | undefined;

  constructor(order: ProbeOrder) {
    super();
    this.#order = order;
  }

  protected override send(): void {
    if (this.#socket === undefined) this.#connect();
    else this.#say();
  }

  #connect(): void {
    const { from, to, port } = this.#order;
    const socket = createSocket({ type: to.includes(':') ? 'udp6' : 'udp4' });
    this.#socket = socket;
    socket.on('message', (data) => this.answered(String(data)));
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (code === 'EADDRINUSE') {
        socket.close();
        this.#connect();
      } else this.failed(code);
    });
    // Connected, so that the kernel tells it of "port unreachable".
    socket.bind({ address: from, port: takePort() }, () => {
      socket.connect(port, to, ((error?: NodeJS.ErrnoException) => {
        if (error) this.failed(error.code ?? '');
        else this.#say();
      }) as () => void);
    });
  }

  #say(): void {
    this.#socket?.send('?\n', (error) => {
      if (error !== null) this.failed((error as NodeJS.ErrnoException).code ?? '');
    });
  }

  override shut(): void {
    this.#socket?.close();
  }
}

function takePort(): number {
  nextPort = nextPort >= LAST_PORT ? FIRST_PORT : nextPort + 1;
  return nextPort;
}
