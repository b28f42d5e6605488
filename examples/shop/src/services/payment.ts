// Payment: charges an amount for an order. It takes no real money; it only says that it did.
// Knows no products and no customers. Not reachable from outside the cluster.
import { randomUUID } from 'node:crypto';
import { Refused, type ServedBy, type Service, servedBy } from '../service.ts';

export interface Charge {
  readonly id: string;
  readonly order: string;
  readonly cents: number;
  readonly servedBy: ServedBy;
}

export const payment: Service = {
  name: 'payment',
  routes: {
    'POST /charges': async (request) => {
      const { order, cents } = await request.json();
      if (typeof order !== 'string' || order === '') throw new Refused(400, 'Field "order" must name an order');
      if (typeof cents !== 'number' || !Number.isInteger(cents) || cents <= 0) {
        throw new Refused(400, 'Field "cents" must be a whole number above 0');
      }
      return { status: 201, body: { id: randomUUID(), order, cents, servedBy } satisfies Charge };
    },
  },
};
