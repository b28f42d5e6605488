// The pods of the mesh tests: answers with what it received, by HTTP and by gRPC, and asks others when it is told to.
// Plain JavaScript on Node.js alone, so that it runs as a container's command.
import { createServer, request } from 'node:http';
import { connect, createServer as createServer2 } from 'node:http2';

const who = { pod: process.env.HOSTNAME ?? '', version: process.env.VERSION ?? '' };
const host = process.env.EVENKEEL_POD_IP;

/** One request by a connection of its own. */
function ask({ to, path = '/', method = 'GET', headers = {} }) {
  return new Promise((resolve) => {
    const asking = request(`http://${to}${path}`, { method, headers, agent: false, timeout: 5_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asking.on('timeout', () => asking.destroy(new Error('timeout')));
    asking.on('error', (error) => resolve({ status: 0, headers: {}, text: error.message })).end();
  });
}

/** One call without a message. */
function call({ to, path }) {
  return new Promise((resolve) => {
    const session = connect(`http://${to}`);
    const end = (answer) => {
      session.destroy();
      resolve(answer);
    };
    session.on('error', (error) => end({ status: 0, headers: {}, text: error.message }));
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let headers = {};
    stream.on('response', (got) => {
      headers = got;
    });
    stream.on('trailers', (got) => {
      headers = { ...headers, ...got };
    });
    stream.on('error', (error) => end({ status: 0, headers: {}, text: error.message }));
    stream.on('end', () => end({ status: headers[':status'], headers, text: headers['x-version'] ?? '' }));
    stream.resume().end();
  });
}

async function bodyOf(incoming) {
  let text = '';
  for await (const more of incoming.setEncoding('utf8')) text += more;
  return text;
}

createServer(async (incoming, response) => {
  const send = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (incoming.url !== '/ask') {
    send({ ...who, path: incoming.url, headers: incoming.headers });
    return;
  }
  const { count = 1, grpc = false, ...question } = JSON.parse(await bodyOf(incoming));
  const answers = [];
  for (let at = 0; at < count; at++) answers.push(await (grpc ? call(question) : ask(question)));
  send(answers);
}).listen({ port: 8080, ...(host === undefined ? {} : { host }) });

createServer2((incoming, response) => {
  response.addTrailers({ 'grpc-status': '0' });
  response.writeHead(200, { 'content-type': 'application/grpc', 'x-version': who.version });
  incoming.resume();
  response.end();
}).listen({ port: 7070, ...(host === undefined ? {} : { host }) });
