// Checkout: turns a cart into an order, paid once.
// Knows neither prices (the cart does) nor cards (payment does).
import { randomUUID } from 'node:crypto';
import { get, post } from '../client.ts';
import { Refused, type Service, servedBy } from '../service.ts';
import type { Cart } from './cart.ts';
import type { Charge } from './payment.ts';

export const checkout: Service = {
  name: 'checkout',
  routes: {
    'POST /api/checkout': async (request) => {
      const cookie = `cart=${request.cookies.get('cart') ?? ''}`;
      const cart = await get<Cart>('cart', '/api/cart', request, { Cookie: cookie });
      if (cart.lines.length === 0) throw new Refused(409, 'The cart is empty');
      const order = randomUUID();
      const charge = await post<Charge>('payment', '/charges', request, { order, cents: cart.totalCents });
      return {
        status: 201,
        body: { order, totalCents: cart.totalCents, charge, servedBy, cartServedBy: cart.servedBy },
        headers: { 'Set-Cookie': 'cart=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax' },
      };
    },
  },
};
