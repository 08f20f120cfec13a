// Asks a running stack, started with its samples, through Backstage's own client.
// Usage: node catalog-client.mjs http://127.0.0.1:7407
import assert from 'node:assert/strict';
import { CatalogClient } from '@backstage/catalog-client';

const base = process.argv[2] ?? 'http://127.0.0.1:7407';
const client = new CatalogClient({ discoveryApi: { getBaseUrl: async plugin => `${base}/api/${plugin}` } });
const hero = 'component:default/catalog-api';
let passed = 0;

async function check(name, run) {
  await run();
  passed += 1;
  console.log(`ok - ${name}`);
}

await check('an entity is found by its reference, in any case', async () => {
  const entity = await client.getEntityByRef('Component:Default/Catalog-API');
  assert.equal(entity.metadata.name, 'catalog-api');
  assert.ok(entity.relations.some(relation => relation.type === 'ownedBy'));
});

await check('an unknown entity is undefined', async () => {
  assert.equal(await client.getEntityByRef('component:default/nobody'), undefined);
});

await check('references come back in order, unknown ones as undefined', async () => {
  const { items } = await client.getEntitiesByRefs({ entityRefs: [hero, 'component:default/nobody', 'group:default/team-playbill'] });
  assert.deepEqual(items.map(item => item?.kind), ['Component', undefined, 'Group']);
});

await check('the two pipelines of a component, and no other', async () => {
  const { items, totalItems } = await client.queryEntities({
    filter: { kind: 'resource', 'spec.type': 'codepipeline-pipeline', 'relations.dependencyOf': hero },
  });
  assert.equal(totalItems, 2);
  assert.ok(items.every(item => item.spec.type === 'codepipeline-pipeline'));
});

await check('a walk in pages sees each entity once', async () => {
  const seen = [];
  let page = await client.queryEntities({ filter: { kind: 'component' }, limit: 3, orderFields: [{ field: 'metadata.name', order: 'asc' }] });
  for (;;) {
    seen.push(...page.items.map(item => item.metadata.name));
    if (!page.pageInfo.nextCursor) break;
    page = await client.queryEntities({ cursor: page.pageInfo.nextCursor, limit: 3 });
  }
  assert.equal(seen.length, 10);
  assert.deepEqual(seen, [...new Set(seen)].sort());
});

await check('facets count', async () => {
  const { facets } = await client.getEntityFacets({ facets: ['kind', 'spec.type'], filter: { kind: 'component' } });
  assert.deepEqual(facets.kind, [{ value: 'Component', count: 10 }]);
  assert.equal(facets['spec.type'].reduce((sum, facet) => sum + facet.count, 0), 10);
});

console.log(`${passed} passed, 0 failed`);
