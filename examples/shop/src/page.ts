// The page as text: products, cart, and who served what.
// Knows no HTTP; every value is escaped on its way in.
import type { ServedBy } from './service.ts';
import type { Cart } from './services/cart.ts';
import type { Product } from './services/catalog.ts';

interface PageData {
  readonly products: readonly Product[];
  readonly cart: Cart;
  readonly storefront: ServedBy;
  readonly catalog: ServedBy;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function price(cents: number): string {
  return `€${(cents / 100).toFixed(2)}`;
}

function card({ sku, name, note, cents, colour }: Product): string {
  return `<article>
  <div class="picture" style="background:${escaped(colour)}" aria-hidden="true">${escaped(name.slice(0, 1))}</div>
  <h2>${escaped(name)}</h2><p>${escaped(note)}</p>
  <footer><b>${price(cents)}</b><button data-sku="${escaped(sku)}">Add to cart</button></footer>
</article>`;
}

function cartPanel(cart: Cart): string {
  if (cart.lines.length === 0) return '<p class="quiet">Nothing in it yet.</p>';
  const lines = cart.lines.map(
    (line) => `<li>${line.quantity} × ${escaped(line.name)}<b>${price(line.cents)}</b></li>`,
  );
  return `<ul>${lines.join('')}</ul><p class="total">Total <b>${price(cart.totalCents)}</b></p>
<button id="pay">Check out</button><button id="empty" class="plain">Empty the cart</button>`;
}

function served(label: string, by: ServedBy): string {
  return `<li>${label}<code>${escaped(by.pod)}</code></li>`;
}

const STYLE = `
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1a202c;background:#f7f5f0}
header{background:#1a365d;color:#fff;padding:2rem max(1rem,calc(50% - 33rem))}header h1{margin:0;font:600 2rem Georgia,serif}
header p{margin:.2rem 0 0;opacity:.8}main{display:grid;grid-template-columns:1fr 17rem;gap:2rem;max-width:68rem;margin:2rem auto;padding:0 1rem}
.products{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1.2rem}
article,aside section{background:#fff;border-radius:10px;box-shadow:0 1px 3px #0002;overflow:hidden}
article h2{font-size:1.05rem;margin:.9rem 1rem 0}article p{margin:.1rem 1rem;color:#4a5568;font-size:.9rem}
.picture{height:7rem;display:grid;place-items:center;color:#fffc;font:600 3.5rem Georgia,serif}
article footer{display:flex;justify-content:space-between;align-items:center;padding:.8rem 1rem 1rem}
button{border:0;border-radius:6px;background:#1a365d;color:#fff;padding:.45rem .8rem;font:inherit;font-size:.9rem;cursor:pointer}
button:hover{background:#2c5282}button.plain{background:none;color:#4a5568}aside section{padding:1rem;margin-bottom:1.2rem}
aside h2{font-size:1rem;margin:0 0 .5rem}aside ul{list-style:none;margin:0;padding:0}aside li,.total{display:flex;justify-content:space-between;gap:.5rem}.served li{display:block;margin-top:.3rem}.served code{display:block;text-align:left}
.total{border-top:1px solid #e2e8f0;padding-top:.5rem;margin:.5rem 0 1rem}code{font-size:.78rem;color:#4a5568;overflow-wrap:anywhere;text-align:right}.quiet{color:#718096;margin:0}
#note{min-height:1.5rem;color:#276749;margin:.5rem 0 0}@media(max-width:50rem){main{grid-template-columns:1fr}}`;

const SCRIPT = `
const call = async (method, path, body) => {
  const response = await fetch(path, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
};
document.addEventListener('click', async ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  target.disabled = true;
  try {
    if (target.dataset.sku) await call('POST', '/api/cart/items', { sku: target.dataset.sku });
    else if (target.id === 'empty') await call('DELETE', '/api/cart');
    else if (target.id === 'pay') {
      const { order } = await call('POST', '/api/checkout');
      sessionStorage.setItem('note', 'Thank you! Your order is ' + order.slice(0, 8) + '.');
    }
    location.reload();
  } catch (error) {
    document.getElementById('note').textContent = error.message;
    target.disabled = false;
  }
});
document.getElementById('note').textContent = sessionStorage.getItem('note') ?? '';
sessionStorage.removeItem('note');`;

/** The whole document. */
export function renderPage({ products, cart, storefront, catalog }: PageData): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Even Keel Outfitters</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body><header><h1>Even Keel Outfitters</h1><p>Goods for a steady passage</p></header>
<main><div class="products">${products.map(card).join('\n')}</div>
<aside><section><h2>Your cart</h2>${cartPanel(cart)}<p id="note" role="status"></p></section>
<section><h2>Served by</h2><ul class="served">${served('storefront', storefront)}${served('catalog', catalog)}${served('cart', cart.servedBy)}</ul></section>
</aside></main><script>${SCRIPT}</script></body></html>
`;
}
