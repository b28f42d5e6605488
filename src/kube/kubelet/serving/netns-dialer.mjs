// Runs inside a pod's network namespace: joins connections of a unix socket to ports of the pod's localhost.
// Started by dial-pod.ts with the socket's path; ends with its standard input. Plain JavaScript without imports of ours.
import { connect, createServer } from 'node:net';

const path = process.argv[2];

const dial = (port) =>
  new Promise((resolve, reject) => {
    const attempt = (hosts, first) => {
      const [host, ...others] = hosts;
      if (host === undefined) return reject(first);
      const connection = connect({ host, port, allowHalfOpen: true });
      connection.once('connect', () => resolve(connection));
      connection.once('error', (error) => attempt(others, first ?? error));
    };
    attempt(['127.0.0.1', '::1']);
  });

const server = createServer({ allowHalfOpen: true }, (client) => {
  client.on('error', () => client.destroy());
  let head = '';
  const onData = (chunk) => {
    head += chunk.toString('latin1');
    if (!head.includes('\n')) return;
    client.off('data', onData);
    client.pause();
    const [port] = head.split('\n');
    dial(Number(port)).then(
      (connection) => {
        connection.on('error', () => client.destroy());
        connection.setNoDelay(true);
        client.once('close', () => connection.destroy());
        connection.once('close', () => client.end());
        client.write('ok\n');
        client.pipe(connection);
        connection.pipe(client);
      },
      (error) => client.end(`${error.message}\n`),
    );
  };
  client.on('data', onData);
});
server.listen(path, () => process.stdout.write('ready\n'));
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
