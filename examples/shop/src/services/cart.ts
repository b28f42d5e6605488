// The cart. It travels with the customer in a cookie, so that any replica can answer any request.
// Knows no prices of its own: it asks the catalog, and never believes the customer.
import { get } from '../client.ts';
import { type Incoming, Refused, type Reply, type ServedBy, type Service, servedBy } from '../service.ts';
import type { ProductList } from './catalog.ts';

export interface CartLine {
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly cents: number;
}

export interface Cart {
  readonly lines: readonly CartLine[];
  readonly totalCents: number;
  readonly servedBy: ServedBy;
}

const MAX_LINES = 50;
const MAX_QUANTITY = 99;

/** Reads the cookie `cart=compass.2_mug.1`; parts that make no sense are left out. */
function quantitiesOf(request: Incoming): Map<string, number> {
  const quantities = new Map<string, number>();
  for (const part of (request.cookies.get('cart') ?? '').split('_').slice(0, MAX_LINES)) {
    const [sku = '', count = ''] = part.split('.');
    const quantity = Number(count);
    if (/^[a-z0-9-]{1,32}$/.test(sku) && Number.isInteger(quantity) && quantity > 0 && quantity <= MAX_QUANTITY) {
      quantities.set(sku, quantity);
    }
  }
  return quantities;
}

async function priced(request: Incoming, quantities: ReadonlyMap<string, number>): Promise<Cart> {
  if (quantities.size === 0) return { lines: [], totalCents: 0, servedBy };
  const { products } = await get<ProductList>('catalog', '/api/catalog/products', request);
  const lines = products.flatMap(({ sku, name, cents }) => {
    const quantity = quantities.get(sku);
    return quantity === undefined ? [] : [{ sku, name, quantity, cents: cents * quantity }];
  });
  return { lines, totalCents: lines.reduce((sum, line) => sum + line.cents, 0), servedBy };
}

function withCookie(cart: Cart): Reply {
  const value = cart.lines.map((line) => `${line.sku}.${line.quantity}`).join('_');
  const life = value === '' ? 'Max-Age=0' : 'Max-Age=604800';
  return { body: cart, headers: { 'Set-Cookie': `cart=${value}; Path=/; ${life}; HttpOnly; SameSite=Lax` } };
}

export const cart: Service = {
  name: 'cart',
  routes: {
    'GET /api/cart': async (request) => ({ body: await priced(request, quantitiesOf(request)) }),
    'POST /api/cart/items': async (request) => {
      const { sku, quantity = 1 } = await request.json();
      if (typeof sku !== 'string') throw new Refused(400, 'Field "sku" must name a product');
      const quantities = quantitiesOf(request);
      const wanted = (quantities.get(sku) ?? 0) + Number(quantity);
      if (!Number.isInteger(wanted) || wanted < 0 || wanted > MAX_QUANTITY) {
        throw new Refused(400, `Field "quantity" must leave between 0 and ${MAX_QUANTITY} in the cart`);
      }
      if (wanted === 0) quantities.delete(sku);
      else quantities.set(sku, wanted);
      const filled = await priced(request, quantities);
      if (wanted > 0 && !filled.lines.some((line) => line.sku === sku)) throw new Refused(404, `No product "${sku}"`);
      return withCookie(filled);
    },
    'DELETE /api/cart': () => withCookie({ lines: [], totalCents: 0, servedBy }),
  },
};
