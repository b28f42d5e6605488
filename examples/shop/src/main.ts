// Entry of every shop container: the first argument picks the service, so one image serves all five.
// Knows no service from the inside; each is loaded only where it runs.
import { start } from './server.ts';
import type { Service } from './service.ts';

const services: Readonly<Record<string, () => Promise<Service>>> = {
  storefront: async () => (await import('./services/storefront.ts')).storefront,
  catalog: async () => (await import('./services/catalog.ts')).catalog,
  cart: async () => (await import('./services/cart.ts')).cart,
  checkout: async () => (await import('./services/checkout.ts')).checkout,
  payment: async () => (await import('./services/payment.ts')).payment,
};

const name = process.argv[2] ?? '';
const load = services[name];
if (load === undefined) {
  console.error(`Unknown service "${name}"; name one of: ${Object.keys(services).join(', ')}`);
  process.exit(2);
}
start(await load());
