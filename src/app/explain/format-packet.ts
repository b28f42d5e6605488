// The explanation of a packet as text, for a terminal: the verdict first, then how it came about.
// Knows words and columns; decides nothing.
import { formatTable } from '../cli/table.ts';
import type { PacketExplanation } from './explain-packet.ts';

/** Ends with a line break. */
export function formatPacket(explanation: PacketExplanation): string {
  const { packet, node, because, steps, mesh } = explanation;
  const by = node === '' ? '' : `, by the rules of node ${node}${because === undefined ? '' : `, ${because}`}`;
  const to = packet.to.includes(':') ? `[${packet.to}]` : packet.to;
  const blocks = [
    `${packet.protocol} ${packet.from} -> ${to}:${packet.port}${by}`,
    `${verdictWords(explanation)}.`,
    steps.map((step, place) => `${place + 1}. ${step}`).join('\n'),
    mesh === undefined ? '' : `${mesh}.`,
    endpointTable(explanation),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function verdictWords({ verdict, service, endpoints }: PacketExplanation): string {
  switch (verdict) {
    case 'forward':
      return `Goes to Service port ${service}, to one of ${endpoints.length} endpoint${endpoints.length === 1 ? '' : 's'}`;
    case 'reject':
      return 'Is rejected at once (connection refused, port unreachable)';
    case 'drop':
      return 'Is dropped: nobody answers';
    case 'pass':
      return 'Is for no Service: goes its way as it is';
  }
}

function endpointTable({ endpoints, pods, affinitySeconds }: PacketExplanation): string {
  if (endpoints.length === 0) return '';
  const rows = endpoints.map(({ address, port, chance, local, masqueraded, lost }) => [
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    pods[address] ?? '',
    `${(chance * 100).toFixed(1)}%`,
    local ? 'this node' : '',
    lost ? 'its own address, and drops it' : masqueraded ? "the node's address" : "the client's address",
  ]);
  const table = formatTable(['ENDPOINT', 'POD', 'CHANCE', 'WHERE', 'SEES'], rows).trimEnd();
  return affinitySeconds > 0 ? `${table}\nThe chances are those of a client that is new.` : table;
}
