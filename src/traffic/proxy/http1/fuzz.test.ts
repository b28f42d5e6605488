// Feeds the corpus, whole, cut and mutated, to the parser and to a running engine.
// Each run draws anew; a failure prints the seed and the bytes.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { listener, simpleModel } from '../testing/model.ts';
import { httpBackend, RawClient } from '../testing/peers.ts';
import { clientFacts, composeRequest } from './compose.ts';
import { defaultLimits } from './limits.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';

const directory = new URL('./corpus/', import.meta.url);
const corpus = readdirSync(directory)
  .filter((name) => name.endsWith('.http'))
  .map((name) => ({ name, text: readFileSync(new URL(name, directory), 'latin1') }));

const harness = new Harness();
afterEach(() => harness.close());

const pair = { source: { address: '192.0.2.7', port: 4711 }, destination: { address: '192.0.2.1', port: 80 } };
const client = clientFacts(pair, 'http', { trusted: false, certificateLine: '' });

/** Parses the first head of `text`; the request as forwarded, or the status of the refusal. */
function forwarded(text: string): string | number | undefined {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end < 4) return undefined;
  const head = new RequestHead();
  const refusal = parseRequestHead(text, 0, end, head, defaultLimits);
  return refusal === undefined ? composeRequest(head, client, 'id') : refusal.status;
}

describe('mutated heads', () => {
  it('are refused, or forwarded as one well-formed request that says the same when read again', () => {
    const mutation = fc.record({
      at: fc.nat(400),
      remove: fc.nat(3),
      insert: fc.constantFrom(
        '',
        '\r',
        '\n',
        '\r\n',
        '\0',
        ' ',
        '\t',
        ':',
        ',',
        ';',
        '%',
        '/',
        '..',
        '\\',
        'Content-Length: 1\r\n',
        'chunked',
        '\x80',
      ),
    });
    fc.assert(
      fc.property(fc.constantFrom(...corpus), fc.array(mutation, { maxLength: 4 }), ({ text }, mutations) => {
        let mutated = text;
        for (const { at, remove, insert } of mutations) {
          const place = at % (mutated.length + 1);
          mutated = mutated.slice(0, place) + insert + mutated.slice(place + remove);
        }
        const out = forwarded(mutated);
        if (typeof out !== 'string') return;
        // Line ends only in pairs, one empty line and only at the end, one Host, at most one framing header.
        expect(out.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
        expect(out.indexOf('\r\n\r\n')).toBe(out.length - 4);
        expect(out.match(/^host:/gim)).toHaveLength(1);
        expect((out.match(/^(content-length|transfer-encoding)\s*:/gim) ?? []).length).toBeLessThan(2);
        expect(forwarded(out)).toBe(out);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the corpus through an engine', () => {
  /** Sends the pieces, each in an event of its own, then closes the sending side; resolves with everything answered. */
  async function answers(engine: Engine, pieces: readonly string[]): Promise<string> {
    const connection = new RawClient(portOf(engine));
    for (const piece of pieces) {
      connection.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    connection.socket.end();
    return connection.untilClosed();
  }

  it('is answered the same wherever the bytes are cut', async () => {
    const web = await harness.backend(
      httpBackend((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (piece: Buffer) => parts.push(piece));
        request.on('end', () => {
          response.sendDate = false;
          response.end(`${request.method} ${request.url} ${request.headers.host} [${Buffer.concat(parts)}]`);
        });
      }),
    );
    const engine = await harness.engine();
    const model = simpleModel([web.port]);
    engine.publish({ ...model, listeners: new Map([['http', { ...listener(), http2: false }]]) });
    await engine.applied();
    const seen: Record<string, string> = {};
    for (const { name, text } of corpus) {
      const whole = await answers(engine, [text]);
      seen[name] = [...whole.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]).join(' ');
      for (let cuts = 0; cuts < 3; cuts++) {
        const places =
          fc.sample(fc.array(fc.nat(text.length), { minLength: 1, maxLength: 5 }), 1)[0]?.sort((a, b) => a - b) ?? [];
        const pieces = [0, ...places].map((from, i, all) => text.slice(from, all[i + 1] ?? text.length));
        expect(await answers(engine, pieces), `${name} cut at ${places}`).toBe(whole);
      }
    }
    expect(seen).toMatchInlineSnapshot(`
      {
        "absolute-form.http": "200",
        "absolute-no-path.http": "200",
        "absolute-user-info.http": "400",
        "backslash.http": "400",
        "bare-cr-value.http": "400",
        "bare-lf-head.http": "400",
        "bare-lf-header.http": "400",
        "chunk-bare-lf.http": "400",
        "chunk-cut.http": "",
        "chunk-data-lf.http": "400",
        "chunk-ext-cr.http": "400",
        "chunk-ext-empty.http": "400",
        "chunk-ext-obs-text.http": "400",
        "chunk-ext-quoted.http": "200",
        "chunk-overflow.http": "400",
        "chunk-size-empty.http": "400",
        "chunk-size-hex.http": "400",
        "chunk-size-plus.http": "400",
        "chunk-size-prefix.http": "400",
        "chunk-size-space.http": "400",
        "chunk-size-underscore.http": "400",
        "chunk-size-zeros.http": "400",
        "chunk-too-long.http": "400",
        "cl-cl.http": "400",
        "cl-empty.http": "400",
        "cl-hex.http": "400",
        "cl-leading-zeros.http": "200",
        "cl-list.http": "400",
        "cl-minus.http": "400",
        "cl-overflow.http": "400",
        "cl-plus.http": "400",
        "cl-space-colon.http": "400",
        "cl-te.http": "400",
        "cl-underscore.http": "400",
        "connect-authority.http": "501",
        "connect-path.http": "501",
        "connection-close-pipelined.http": "200",
        "connection-framing.http": "200",
        "connection-strips.http": "200",
        "dot-segments.http": "200",
        "empty-name.http": "400",
        "expect-continue.http": "100 200",
        "expect-http-1.0.http": "200",
        "expect-unknown.http": "417",
        "get-with-body.http": "200",
        "get.http": "200",
        "head-with-body.http": "200",
        "head.http": "200",
        "host-ipv6.http": "200",
        "host-trailing-dot.http": "200",
        "host-two-dots.http": "400",
        "host-user-info.http": "400",
        "http-1.0.http": "200",
        "http2-preface.http": "505",
        "keep-alive-1.0.http": "200 200",
        "leading-crlf.http": "200",
        "length-cut.http": "",
        "length-in-trailer.http": "400",
        "many-headers.http": "431",
        "method-malformed.http": "400",
        "method-unknown.http": "400",
        "no-colon.http": "400",
        "no-host.http": "400",
        "nul-name.http": "400",
        "nul-value.http": "400",
        "obs-fold.http": "400",
        "options-asterisk.http": "200",
        "pipelined-then-bad.http": "200 400",
        "pipelined.http": "200 200 200",
        "post-chunked.http": "200",
        "post-length.http": "200",
        "smuggled-in-body.http": "200",
        "space-first-header.http": "400",
        "space-first-line.http": "400",
        "spoofed.http": "200",
        "target-dot-parameter.http": "400",
        "target-dots-escaped-slash.http": "400",
        "target-escape.http": "400",
        "target-fragment.http": "400",
        "target-nul.http": "400",
        "target-query.http": "200",
        "target-twice-escaped.http": "200",
        "te-cl.http": "400",
        "te-http-1.0.http": "400",
        "te-identity.http": "501",
        "te-leading-comma.http": "501",
        "te-tab-colon.http": "400",
        "te-te.http": "400",
        "te-trailers.http": "200",
        "te-underscore.http": "200",
        "te-unknown.http": "501",
        "te-upper-case.http": "200",
        "tls-hello.http": "400",
        "trailer-fold.http": "400",
        "trailer-no-colon.http": "400",
        "trailers.http": "200",
        "two-hosts.http": "400",
        "upgrade-h2c.http": "200",
        "upgrade-websocket.http": "200",
        "upgrade-with-body.http": "200",
        "version-1.2.http": "505",
        "version-none.http": "400",
      }
    `);
  });
});
