// One connection of a client, timed until the server has said which address it has.
// Knows no Service.
import { connect } from 'node:net';

export interface Answer {
  readonly ms: number;
  readonly address: string;
}

/** Until the server said something: a connection that is only accepted may be somebody else's. */
export async function ask(address: string, port: number): Promise<Answer> {
  const began = performance.now();
  const said = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: address, port });
    socket.once('data', (text) => {
      socket.destroy();
      resolve(String(text));
    });
    socket.once('error', reject);
    socket.once('end', () => reject(new Error(`${address}:${port} said nothing`)));
  });
  return { ms: performance.now() - began, address: said };
}
