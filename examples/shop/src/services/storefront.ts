// The storefront: one page, made from what catalog and cart answer.
// Knows how the shop looks, and nothing of money.
import { get } from '../client.ts';
import { renderPage } from '../page.ts';
import { type Service, servedBy } from '../service.ts';
import type { Cart } from './cart.ts';
import type { ProductList } from './catalog.ts';

export const storefront: Service = {
  name: 'storefront',
  routes: {
    'GET /': async (request) => {
      const cookie = `cart=${request.cookies.get('cart') ?? ''}`;
      const [list, cart] = await Promise.all([
        get<ProductList>('catalog', '/api/catalog/products', request),
        get<Cart>('cart', '/api/cart', request, { Cookie: cookie }),
      ]);
      return { body: renderPage({ products: list.products, cart, storefront: servedBy, catalog: list.servedBy }) };
    },
  },
};
