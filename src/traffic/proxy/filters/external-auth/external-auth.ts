// Asks somebody else whether a request may pass, and holds it until the answer is here; without one it does not.
// Knows no protocol and no connection: what is asked is the dialect's, how it travels `Authorisers`'.

import type { ExternalAuth } from '#traffic/model/ir.ts';
import { removeFields } from '../../http/head-edits.ts';
import { type LocalReply, textReply } from '../../http/local-reply.ts';
import { announcedTooLong, bodyTooLarge } from '../body-limit.ts';
import type { FilterExchange, FilterFactory, HttpFilter, ResponseLines } from '../filter.ts';
import type { AuthQuestion } from './auth-question.ts';
import { type AuthDialect, type LineChange, noChange, type Verdict } from './dialect.ts';
import { GrpcDialect } from './grpc-dialect.ts';
import { HttpDialect } from './http-dialect.ts';

/** Whatever is wrong with the service: strangers are not told. */
const closed = textReply(403, 'Access cannot be granted at the moment', 'auth_unavailable');

export function externalAuth(config: ExternalAuth): FilterFactory {
  const dialect = config.protocol === 'http' ? new HttpDialect(config) : new GrpcDialect(config);
  return () => new ExternalAuthFilter(config, dialect);
}

class ExternalAuthFilter implements HttpFilter {
  readonly #config: ExternalAuth;
  readonly #dialect: AuthDialect;
  #question: AuthQuestion | undefined;
  #state: 'new' | 'asking' | 'decided' = 'new';
  #response: LineChange = noChange;

  constructor(config: ExternalAuth, dialect: AuthDialect) {
    this.#config = config;
    this.#dialect = dialect;
  }

  onRequest(x: FilterExchange): LocalReply | 'wait' | undefined {
    const { maxBody } = this.#config;
    if (maxBody > 0 && x.head.contentLength !== 0) {
      if (announcedTooLong(x.head, maxBody)) return bodyTooLarge;
      x.askForBody();
      return 'wait';
    }
    return this.#ask(x);
  }

  onRequestBody(x: FilterExchange): LocalReply | undefined {
    if (this.#state === 'decided') return undefined;
    if (this.#state === 'asking') {
      // More than is kept anyhow must not come before somebody has said that it may.
      if (!x.body.ended && x.body.bytes > x.context.limits.replay) x.holdBack();
      return undefined;
    }
    if (x.bytesIn > this.#config.maxBody) return bodyTooLarge;
    if (!x.body.ended) return undefined;
    const reply = this.#ask(x);
    if (reply === 'wait') return undefined;
    if (reply === undefined) x.resume();
    return reply;
  }

  onResponse(_x: FilterExchange, head: ResponseLines): void {
    const { gone, lines } = this.#response;
    if (gone.size > 0) removeFields(head, gone);
    head.added += lines;
  }

  onEnd(): void {
    this.#question?.cancel();
    this.#question = undefined;
  }

  /** The answer may be known at once, where nobody can be asked. */
  #ask(x: FilterExchange): LocalReply | 'wait' | undefined {
    this.#state = 'asking';
    let atOnce: { readonly reply: LocalReply | undefined } | undefined;
    let returned = false;
    this.#question = x.context.authorisers.ask(x, this.#config.cluster, this.#dialect, (verdict) => {
      this.#question = undefined;
      this.#state = 'decided';
      const reply = this.#apply(x, verdict);
      if (!returned) atOnce = { reply };
      else if (reply === undefined) x.resume();
      else x.answer(reply);
    });
    returned = true;
    // Set within the call above.
    const known = atOnce as { readonly reply: LocalReply | undefined } | undefined;
    if (known !== undefined) this.#question = undefined;
    return known === undefined ? 'wait' : known.reply;
  }

  #apply({ head }: FilterExchange, verdict: Verdict): LocalReply | undefined {
    if (verdict.type === 'deny') return verdict.reply;
    if (verdict.type === 'unclear') return closed;
    if (verdict.request.gone.size > 0) removeFields(head, verdict.request.gone);
    head.added += verdict.request.lines;
    this.#response = verdict.response;
    return undefined;
  }
}
