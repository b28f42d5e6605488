// A program: asks a URL again and again, each time by a connection of its own, and prints how each went.
// Runs by itself, in whatever network namespace it is started; one JSON line an attempt.
import { request } from 'node:http';

const [url = '', everyMs = '50', limitMs = '1000'] = process.argv.slice(2);

function attempt(): void {
  const at = Date.now();
  const end = (problem?: string): void => {
    clearTimeout(late);
    if (ended) return;
    ended = true;
    process.stdout.write(`${JSON.stringify({ at, ...(problem === undefined ? {} : { problem }) })}\n`);
  };
  let ended = false;
  const asking = request(url, { agent: false }, (response) => {
    response.resume().on('end', () => end(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
  });
  const late = setTimeout(() => {
    end('timeout');
    asking.destroy();
  }, Number(limitMs));
  asking.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message)).end();
}

const asking = setInterval(attempt, Number(everyMs));
// What is under way ends by itself; nothing else keeps this process alive then.
process.on('SIGTERM', () => clearInterval(asking));
