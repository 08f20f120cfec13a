#!/usr/bin/env node
// How long after a delivery is accepted is it seen in a query?
//   node freshness.mjs http://127.0.0.1:7407 [DELIVERIES_PER_SECOND=200] [SECONDS=20]
// Posts one-entity exports at an even rate, and asks for a facet over all of them every 50 ms. Prints the delay from the
// receipt of each to the first facet that has it, and whether by-name answered with what was just posted.
const [base = 'http://127.0.0.1:7407', rate = '200', seconds = '20'] = process.argv.slice(2);
const api = `${base}/api`;
const run = Date.now().toString(36);
const total = Number(rate) * Number(seconds);
const [accepted, seen] = [new Map(), new Map()];
let refused = 0;
let notAtOnce = 0;

const document = n => JSON.stringify({
  apiVersion: 'backstage.io/v1alpha1', kind: 'Component',
  metadata: { name: `fresh-${run}-${n % 500}`, labels: { [`fresh-${run}`]: String(n) } },
  spec: { type: 'service', lifecycle: 'production', owner: 'team' },
});

async function deliver(n) {
  // Five hundred entities, each delivered again and again.
  const path = `${api}/exports/fresh-${run}/catalog-info/${n % 500}`;
  const answer = await fetch(path, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: document(n) });
  await answer.arrayBuffer();
  if (!answer.ok) { refused += 1; return; }
  accepted.set(n, performance.now());
  if (n % 20 === 0) {
    const entity = await (await fetch(`${api}/catalog/entities/by-name/component/default/fresh-${run}-${n % 500}`)).json();
    if (Number(entity?.metadata?.labels?.[`fresh-${run}`] ?? -1) < n) notAtOnce += 1;
  }
}

async function look() {
  const facet = `metadata.labels.fresh-${run}`;
  const answer = await (await fetch(`${api}/catalog/entity-facets?facet=${facet}`)).json();
  const now = performance.now();
  for (const { value } of answer.facets[facet]) {
    // A later delivery of the same entity shows an earlier one as well.
    for (let n = Number(value); n >= 0 && !seen.has(n); n -= 500) seen.set(n, now);
  }
}

const begun = performance.now();
const under = [];
let posting = true;
const looking = (async () => {
  for (let left = 200; left > 0;) {
    await look();
    if (!posting) left -= 1;
    if (!posting && [...accepted.keys()].every(n => seen.has(n))) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
})();
for (let n = 0; n < total; n += 1) {
  const due = begun + (n * 1000) / Number(rate);
  const wait = due - performance.now();
  if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait));
  under.push(deliver(n).catch(() => { refused += 1; }));
}
await Promise.all(under);
const took = (performance.now() - begun) / 1000;
posting = false;
await looking;
const delays = [...accepted].map(([n, at]) => (seen.has(n) ? Math.max(0, seen.get(n) - at) : Infinity)).sort((a, b) => a - b);
const at = share => Math.round(delays[Math.min(delays.length - 1, Math.floor(delays.length * share))]);
console.log(`${accepted.size} accepted in ${took.toFixed(1)} s, ${refused} refused`);
console.log(`seen in a facet after ms: p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${Math.round(delays.at(-1))}`);
console.log(`by-name without what was just posted: ${notAtOnce} of ${Math.ceil(total / 20)}`);
process.exitCode = refused || notAtOnce || !Number.isFinite(delays.at(-1)) ? 1 : 0;
