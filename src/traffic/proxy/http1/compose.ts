// Writes heads: every message is framed anew, only checked header lines are relayed as they came.
// Knows nothing of sockets; what it returns goes out as Latin-1.

import { STATUS_CODES } from 'node:http';
import { forwardedNode } from '../http/forwarded.ts';
import type { LocalReply } from '../http/local-reply.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/** What the proxy says of a client, made once a connection. */
export interface ClientFacts {
  readonly address: string;
  readonly protocol: 'http' | 'https';
  /** Port of the listener, as text. */
  readonly port: string;
  /** Who connected to what; with a PROXY header, as that said. */
  readonly pair: SocketPair;
  /** Where it connected to, `address:port`: the host of a request that names none. */
  readonly authority: string;
  /** Its forwarding headers are believed and extended, not replaced. */
  readonly trusted: boolean;
  /** The lines that are the same for each request of a connection, or of what a trusted peer told of one. */
  readonly forwardingLines: string;
  /** `X-Forwarded-Client-Cert`, with its line end, or empty. */
  readonly certificateLine: string;
  /** The host that a trusted peer was asked for; empty for the request's own. */
  readonly forwardedHost: string;
  /** `Forwarded` up to the host; empty where the proxy writes none. */
  readonly forwarded: string;
}

export interface ClientFactsOptions {
  readonly trusted: boolean;
  readonly certificateLine: string;
  /** Backends are told in the form of RFC 7239 too. Left out: no. */
  readonly forwarded?: boolean;
}

export function clientFacts(
  pair: SocketPair,
  protocol: 'http' | 'https',
  { trusted, certificateLine, forwarded = false }: ClientFactsOptions,
): ClientFacts {
  const { address } = pair.source;
  const { address: local, port } = pair.destination;
  return {
    address,
    authority: local.includes(':') ? `[${local}]:${port}` : `${local}:${port}`,
    protocol,
    port: String(port),
    pair,
    trusted,
    certificateLine,
    forwardedHost: '',
    forwarded: forwarded ? `for=${forwardedNode(address)};proto=${protocol}` : '',
    forwardingLines:
      `X-Forwarded-For: ${address}\r\nX-Real-IP: ${address}\r\n` +
      `X-Forwarded-Proto: ${protocol}\r\nX-Forwarded-Port: ${port}\r\n${certificateLine}`,
  };
}

/** The head for the backend, always HTTP/1.1. `client` says what it is told of the client, in place of what that said. */
export function composeRequest(head: RequestHead, client: ClientFacts, requestId: string): string {
  const host = hostFor(head, client);
  let out = `${head.method} ${head.forwardTarget} HTTP/1.1\r\nHost: ${head.rewrittenAuthority === '' ? host : head.rewrittenAuthority}\r\n`;
  out += forwardedLines(head, client, host, requestId);
  if (head.contentLength > 0) out += `Content-Length: ${head.contentLength}\r\n`;
  else if (head.contentLength < 0) out += 'Transfer-Encoding: chunked\r\n';
  // A body of no bytes is announced where its absence would mean something else.
  else if (head.method !== 'GET' && head.method !== 'HEAD' && takesBody(head.method)) out += 'Content-Length: 0\r\n';
  if (head.expectContinue && head.contentLength !== 0) out += 'Expect: 100-continue\r\n';
  if (head.trailer !== '' && head.contentLength < 0) out += `Trailer: ${head.trailer}\r\n`;
  if (head.upgrade !== '') {
    out += `Connection: ${head.acceptsTrailers ? 'upgrade, te' : 'upgrade'}\r\nUpgrade: ${head.upgrade}\r\n`;
    if (head.acceptsTrailers) out += 'TE: trailers\r\n';
  } else if (head.acceptsTrailers) {
    out += 'Connection: te\r\nTE: trailers\r\n';
  }
  return `${out}\r\n`;
}

/** The host that a backend is told. */
export function hostFor(head: RequestHead, client: ClientFacts): string {
  return head.authority === '' ? client.authority : head.authority;
}

/** The header lines that say the same in every protocol: what passed, and what the proxy has to add. */
export function forwardedLines(head: RequestHead, client: ClientFacts, host: string, requestId: string): string {
  const { text, runs } = head;
  let out = '';
  for (let i = 0; i < head.runCount; i += 2) out += text.slice(runs[i], runs[i + 1]);
  out += `${client.forwardingLines}X-Forwarded-Host: ${client.forwardedHost === '' ? host : client.forwardedHost}\r\n`;
  if (client.forwarded !== '') out += `Forwarded: ${client.forwarded};host="${host}"\r\n`;
  return `${out}${head.traceLines}X-Request-Id: ${requestId}\r\n${head.added}`;
}

function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** How a response body is written to the client. */
export type BodyOut = 'none' | 'raw' | 'chunked' | 'until-close';

/** `until-close` is for HTTP/1.0 clients, which know no chunks; the connection then cannot be kept. */
export function bodyOut(head: ResponseHead, clientMinor: number, headRequest: boolean): BodyOut {
  const status = head.status;
  if (headRequest || status === 204 || status === 304) return 'none';
  if (!head.chunked && head.contentLength >= 0) return 'raw';
  return clientMinor === 1 ? 'chunked' : 'until-close';
}

/** The space behind the code is owed also where the backend gave no reason (RFC 9112, 4). */
function statusLine(head: ResponseHead): string {
  const status = head.text.slice(head.statusStart, head.statusEnd);
  return status.length === 3 ? `HTTP/1.1 ${status} \r\n` : `HTTP/1.1 ${status}\r\n`;
}

/** The head for the client. */
export function composeResponse(head: ResponseHead, body: BodyOut, clientMinor: number, keepAlive: boolean): string {
  const text = head.text;
  let out = statusLine(head);
  const runs = head.runs;
  for (let i = 0; i < head.runCount; i += 2) out += text.slice(runs[i], runs[i + 1]);
  out += head.added;
  if (body === 'chunked') {
    out += 'Transfer-Encoding: chunked\r\n';
    if (head.trailer !== '') out += `Trailer: ${head.trailer}\r\n`;
  } else if (head.contentLength >= 0 && head.status !== 204) {
    // Also for HEAD and 304, where it describes the body that is not sent.
    out += `Content-Length: ${head.contentLength}\r\n`;
  } else if (body === 'none' && head.chunked && clientMinor === 1 && head.status !== 204) {
    out += 'Transfer-Encoding: chunked\r\n';
  }
  return (
    out + (keepAlive ? (clientMinor === 1 ? '\r\n' : 'Connection: keep-alive\r\n\r\n') : 'Connection: close\r\n\r\n')
  );
}

/** 100 and 103, with their headers. */
export function composeInterim(head: ResponseHead): string {
  let out = statusLine(head);
  for (let i = 0; i < head.runCount; i += 2) out += head.text.slice(head.runs[i], head.runs[i + 1]);
  return `${out}\r\n`;
}

/** The response that agrees to switch protocols. */
export function composeSwitch(head: ResponseHead): string {
  let out = statusLine(head);
  for (let i = 0; i < head.runCount; i += 2) out += head.text.slice(head.runs[i], head.runs[i + 1]);
  return `${out}${head.added}Connection: upgrade\r\nUpgrade: ${head.upgrade}\r\n\r\n`;
}

/** An answer of the proxy itself. */
export function composeReply(reply: LocalReply, headRequest: boolean, keepAlive: boolean): string {
  const { status, body, contentType, headers } = reply;
  // What goes out is written as Latin-1: text beyond it is spelled in UTF-8 first.
  const bytes = Buffer.from(body).toString('latin1');
  const empty = status === 204 || status === 304;
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${headers}` +
    (bytes === '' ? '' : `Content-Type: ${contentType}\r\n`) +
    (empty ? '' : `Content-Length: ${bytes.length}\r\n`) +
    `${keepAlive ? '' : 'Connection: close\r\n'}\r\n${headRequest || empty ? '' : bytes}`
  );
}
