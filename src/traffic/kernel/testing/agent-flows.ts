// What an agent keeps between two orders: connections and flows that stay, and streams of probes.
// Each has a name that the test chose.
import { probe, TcpFlow, UdpFlow } from './agent-probe.ts';
import type { ProbeOrder, ProbeResult, StreamReport } from './agent-words.ts';

interface Stream {
  stopped: boolean;
  made: number;
  readonly answers: Record<string, number>;
  readonly failures: ProbeResult[];
  readonly lanes: Promise<void>[];
}

export class AgentFlows {
  readonly #flows = new Map<string, TcpFlow | UdpFlow>();
  readonly #streams = new Map<string, Stream>();

  async open(name: string, order: ProbeOrder): Promise<ProbeResult> {
    const flow = order.protocol === 'TCP' ? new TcpFlow(order) : new UdpFlow(order);
    this.#flows.set(name, flow);
    return await flow.ask(order.patience);
  }

  async say(name: string, patience: number): Promise<ProbeResult> {
    const flow = this.#flows.get(name);
    if (flow === undefined) throw new Error(`No flow "${name}"`);
    return await flow.ask(patience);
  }

  shut(name: string): true {
    this.#flows.get(name)?.shut();
    this.#flows.delete(name);
    return true;
  }

  stream(name: string, order: ProbeOrder, lanes: number, pause: number): true {
    const stream: Stream = { stopped: false, made: 0, answers: {}, failures: [], lanes: [] };
    const lane = async (): Promise<void> => {
      while (!stream.stopped) {
        const result = await probe(order);
        stream.made += 1;
        if (result.kind === 'answered') stream.answers[result.by] = (stream.answers[result.by] ?? 0) + 1;
        else stream.failures.push(result);
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    for (let count = 0; count < lanes; count += 1) stream.lanes.push(lane());
    this.#streams.set(name, stream);
    return true;
  }

  streamed(name: string): { made: number; failed: number } {
    const stream = this.#streams.get(name);
    return { made: stream?.made ?? 0, failed: stream?.failures.length ?? 0 };
  }

  async halt(name: string): Promise<StreamReport> {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new Error(`No stream "${name}"`);
    this.#streams.delete(name);
    stream.stopped = true;
    await Promise.all(stream.lanes);
    const { made, answers, failures } = stream;
    return { made, answers, failures };
  }
}
