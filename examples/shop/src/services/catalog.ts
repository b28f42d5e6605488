// The catalog: what the shop sells, and for how much.
// Knows no customer.
import { Refused, type ServedBy, type Service, servedBy } from '../service.ts';

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly note: string;
  readonly cents: number;
  /** One colour for the picture on the page, CSS notation. */
  readonly colour: string;
}

export interface ProductList {
  readonly products: readonly Product[];
  readonly servedBy: ServedBy;
}

const products: readonly Product[] = [
  { sku: 'compass', name: 'Brass compass', note: 'Finds north on any deck', cents: 4900, colour: '#b7791f' },
  { sku: 'lantern', name: 'Storm lantern', note: 'Stays lit at force nine', cents: 3550, colour: '#c05621' },
  { sku: 'rope', name: 'Hemp rope, 20 m', note: 'Holds what must be held', cents: 1875, colour: '#975a16' },
  { sku: 'sextant', name: 'Pocket sextant', note: 'For those who look up', cents: 12900, colour: '#2c5282' },
  { sku: 'jersey', name: 'Wool jersey', note: 'Warm when wet', cents: 7900, colour: '#2a4365' },
  { sku: 'mug', name: 'Enamel mug', note: 'Does not slide', cents: 1250, colour: '#285e61' },
];

const bySku = new Map(products.map((product) => [product.sku, product]));
const PRODUCTS = '/api/catalog/products';

export const catalog: Service = {
  name: 'catalog',
  routes: {
    [`GET ${PRODUCTS}`]: () => ({ body: { products, servedBy } satisfies ProductList }),
    [`GET ${PRODUCTS}/*`]: ({ path }) => {
      const sku = path.slice(PRODUCTS.length + 1);
      const product = bySku.get(sku);
      if (product === undefined) throw new Refused(404, `No product "${sku}"`);
      return { body: product };
    },
  },
};
