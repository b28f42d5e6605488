// Messages over WebSocket: the first one says who answers, then each comes back.
// Knows the upgrade of a request; the framing is the library's.
import { WebSocketServer } from 'ws';

const GOING_AWAY = 1001;
const sockets = new WebSocketServer({ noServer: true });

export function upgrade(who, request, socket, head) {
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.on('error', () => client.terminate());
    client.on('message', (data, binary) => client.send(data, { binary }));
    client.send(JSON.stringify({ ...who, path: request.url, headers: request.headers }));
  });
}

export function closeAll() {
  for (const client of sockets.clients) client.close(GOING_AWAY, 'draining');
}
