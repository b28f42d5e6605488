// What stands in a namespace of the test: a server that says its name and whom it sees, or a client that asks.
// `speaker.mjs serve NAME PORT`; `speaker.mjs ask JSON`, which prints what came of each question; `speaker.mjs hold
// HOST PORT`, which asks again on one connection for every line it is given.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [what, ...words] = process.argv.slice(2);
const REFUSED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ECONNRESET']);

if (what === 'serve') await serve(words[0], Number(words[1]));
else if (what === 'hold') hold(words[0], Number(words[1]));
else {
  const answers = await Promise.all(JSON.parse(words[0]).map(ask));
  // A connection that nobody answers would keep the process for two minutes more.
  process.stdout.write(`${JSON.stringify(answers)}\n`, () => process.exit());
}

async function serve(name, port) {
  const servers = ['0.0.0.0', '::'].map((host) => {
    const tcp = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      const say = () => socket.write(`${name} ${socket.remoteAddress}\n`);
      socket.on('data', say);
      say();
    });
    return new Promise((resolve) => tcp.listen({ host, port, ipv6Only: true, backlog: 512 }, resolve));
  });
  const sockets = ['udp4', 'udp6'].map((type) => {
    const udp = createSocket({ type, ipv6Only: type === 'udp6' });
    udp.on('message', (_, { address, port: at }) => udp.send(`${name} ${address}\n`, at, address));
    return new Promise((resolve) => udp.bind(port, resolve));
  });
  await Promise.all([...servers, ...sockets]);
  console.log('ready');
}

function ask({ protocol, from, to, port, patience }) {
  return new Promise((resolve) => {
    const socket = protocol === 'UDP' ? createSocket(to.includes(':') ? 'udp6' : 'udp4') : undefined;
    const timer = setTimeout(() => settle('silent'), patience);
    const settle = (result) => {
      clearTimeout(timer);
      socket?.close();
      tcp?.resetAndDestroy();
      resolve(result);
    };
    const failed = ({ code }) => settle(REFUSED.has(code) ? 'refused' : `failed: ${code}`);
    const tcp = socket === undefined ? connect({ host: to, port, localAddress: from }) : undefined;
    tcp?.on('error', failed).on('data', (data) => settle(String(data).trim()));
    socket?.on('error', failed).on('message', (data) => settle(String(data).trim()));
    socket?.bind({ address: from }, () => socket.connect(port, to, () => socket.send('?')));
  });
}

function hold(host, port) {
  const socket = connect({ host, port });
  socket.on('data', (data) => console.log(String(data).trim()));
  socket.on('error', ({ code }) => console.log(code)).on('close', () => process.exit());
  // A reset is forgotten within seconds, an orderly end after two minutes.
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => socket.write('?\n')).on('close', () => socket.resetAndDestroy());
}
