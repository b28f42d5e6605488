// The program that stands in a namespace of the lab: it answers there, and makes probes from there when told to.
// Runs alone under node, reads orders from stdin and answers on stdout; ends when stdin does.
import { createInterface } from 'node:readline';
import { AgentFlows } from './agent-flows.ts';
import { probe } from './agent-probe.ts';
import { serve } from './agent-servers.ts';
import type { Order } from './agent-words.ts';

const name = process.argv[2] ?? '?';
const flows = new AgentFlows();

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'serve':
      await Promise.all(order.served.map((one) => serve(name, one)));
      return true;
    case 'probe':
      return await Promise.all(order.probes.map(probe));
    case 'open':
      return await flows.open(order.name, order.probe);
    case 'say':
      return await flows.say(order.name, order.patience);
    case 'shut':
      return flows.shut(order.name);
    case 'stream':
      return flows.stream(order.name, order.probe, order.lanes, order.pause);
    case 'streamed':
      return flows.streamed(order.name);
    case 'halt':
      return await flows.halt(order.name);
  }
}

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const { id, order } = JSON.parse(line) as { id: number; order: Order };
  obey(order).then(
    (result) => console.log(JSON.stringify({ id, result })),
    (error: unknown) => console.log(JSON.stringify({ id, error: String(error) })),
  );
});
input.on('close', () => process.exit(0));
