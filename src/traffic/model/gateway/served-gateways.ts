// All Gateways as tables of the traffic model, with the routes on them and the variants of clusters that these need.
// Knows no status; which route is served where is told to it.
import { attempt } from './attempt.ts';
import { withClientCertificate } from './backend-certificate.ts';
import type { Serving } from './compose.ts';
import { ComposedGateway } from './composed-gateway.ts';
import type { ViewChange } from './gateway-views.ts';
import { staysInPlace } from './keep-same.ts';
import type { GatewayView } from './listener-view.ts';
import { emptyBody, type RouteCell, servingsOf } from './route-cell.ts';
import type { RouteChange } from './route-cells.ts';
import { GatewayTables } from './tables.ts';
import { VariantNotes, Variants } from './variants.ts';

export class ServedGateways {
  readonly tables = new GatewayTables();
  readonly variants = new Variants();
  readonly #composed = new Map<string, ComposedGateway>();
  /** Those that are to be written, with what stood there before, where all of it is new. */
  readonly #unwritten = new Map<string, ComposedGateway | undefined>();

  /** A Gateway is seen anew; unless it stays where it is, its routes have to be put in again. */
  see({ key, before: viewBefore, now }: ViewChange): void {
    const before = this.#composed.get(key);
    if (before !== undefined && now !== undefined && staysInPlace(viewBefore, now)) {
      before.revise(now);
      if (!this.#unwritten.has(key)) this.#unwritten.set(key, undefined);
      return;
    }
    const made = now && attempt(() => new ComposedGateway(now));
    if (made === undefined) {
      this.#composed.delete(key);
      before?.removeFrom(this.tables);
      return;
    }
    this.#composed.set(key, made);
    this.#unwritten.set(key, before);
  }

  put({ id, before, now }: RouteChange): void {
    this.variants.use(id, (now?.body ?? emptyBody).variants);
    const servings = now === undefined ? new Map<string, readonly Serving[]>() : servingsOf(now);
    const keys = new Set([...servings.keys(), ...(before === undefined ? [] : gatewaysOf(before))]);
    for (const key of keys) {
      const composed = this.#composed.get(key);
      const shown = attempt(() => this.#showing(`${id} ${key}`, now, composed?.view, servings.get(key) ?? [])) ?? [];
      if (composed === undefined) continue;
      if (!this.#unwritten.has(key)) this.#unwritten.set(key, undefined);
      attempt(() => composed.put(id, now?.order ?? '', shown));
    }
  }

  write(): void {
    for (const [key, before] of this.#unwritten) {
      const composed = this.#composed.get(key);
      if (composed !== undefined) attempt(() => composed.writeTo(this.tables, before));
    }
    this.#unwritten.clear();
  }

  /** Backends of this Gateway are shown its certificate where TLS is spoken with them. */
  #showing(
    user: string,
    cell: RouteCell | undefined,
    view: GatewayView | undefined,
    servings: readonly Serving[],
  ): readonly Serving[] {
    const pair = view?.backendCertificate?.pair;
    const notes = new VariantNotes();
    const [one] = servings;
    if (pair === undefined || cell === undefined || one === undefined) {
      this.variants.use(user, notes.noted);
      return servings;
    }
    const known = { get: (name: string) => cell.body.variants.get(name), nameOf: notes.nameOf };
    const entries = withClientCertificate(one.entries, pair, known);
    this.variants.use(user, notes.noted);
    return servings.map((serving) => ({ ...serving, entries }));
  }
}

/** Keys of the Gateways that the route was attached to. */
export function gatewaysOf({ parents }: RouteCell): readonly string[] {
  return [...new Set(parents.flatMap(({ attached }) => attached.map(({ gateway }) => gateway)))];
}
