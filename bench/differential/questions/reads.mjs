// Well-formed questions to the reading endpoints.
import { post } from './parts.mjs';

const times = (n, make) => Array.from({ length: n }, make).flat();

function getByQuery(p) {
  const r = p.rng;
  const pairs = p.filters();
  if (r.chance(0.6)) pairs.push(['limit', p.limit()]);
  if (r.chance(0.25)) pairs.push(['offset', r.pick([0, 1, 2, 5, 20, 1000])]);
  if (r.chance(0.7)) {
    const [field, direction] = p.order();
    pairs.push(['orderField', r.chance(0.1) ? field : `${field},${direction}`]);
  }
  if (r.chance(0.08)) pairs.push(['orderField', 'kind,asc']);
  if (r.chance(0.3))
    pairs.push([
      'fields',
      p
        .fields()
        .filter(f => f !== '')
        .join(r.pick([',', ', '])),
    ]);
  if (r.chance(0.2)) pairs.push(['totalItems', r.pick(['include', 'exclude'])]);
  return {
    topic: 'by-query GET',
    shape: 'page',
    path: `/entities/by-query${p.query(r.chance(0.2) ? pairs.reverse() : pairs)}`,
  };
}

function getFullText(p) {
  const r = p.rng;
  const pairs = [...(r.chance(0.5) ? p.filters() : []), ['fullTextFilterTerm', p.term() || 'a']];
  if (r.chance(0.5)) pairs.push(['orderField', p.order().join(',')]);
  // Without any field the text is sought in the uid, which no two catalogs share: such questions name their fields.
  const ordered = pairs.at(-1)[0] === 'orderField' && !/uid/i.test(pairs.at(-1)[1]);
  if (!ordered || r.chance(0.7))
    pairs.push([
      'fullTextFilterFields',
      p
        .textFields(1 + r.below(3))
        .map(f => (r.chance(0.1) ? f.toUpperCase() : f))
        .join(','),
    ]);
  if (r.chance(0.7)) pairs.push(['limit', p.limit()]);
  if (r.chance(0.2)) pairs.push(['offset', r.below(5)]);
  if (r.chance(0.3)) pairs.push(['fields', 'kind,metadata.name']);
  return { topic: 'by-query GET text', shape: 'page', path: `/entities/by-query${p.query(pairs)}` };
}

function postByQuery(p) {
  const r = p.rng;
  const body = {};
  if (r.chance(0.8)) body.query = p.predicate();
  if (r.chance(0.6)) body.limit = p.limit();
  if (r.chance(0.25)) body.offset = r.pick([0, 1, 3, 10, 1000]);
  if (r.chance(0.7)) {
    const [field, order] = p.order();
    body.orderBy = [{ field, order }];
    if (r.chance(0.08)) body.orderBy.push({ field: 'kind', order: 'asc' });
  }
  if (r.chance(0.3)) body.fields = p.fields();
  if (r.chance(0.25)) {
    body.fullTextFilter = { term: p.term(), fields: p.textFields(1 + r.below(2)) };
    if (body.orderBy && !/uid/i.test(body.orderBy[0].field) && r.chance(0.3)) delete body.fullTextFilter.fields;
  }
  if (r.chance(0.2)) body.totalItems = r.pick(['include', 'exclude']);
  return { topic: 'by-query POST', shape: 'page', ...post('/entities/by-query', body) };
}

function getEntities(p) {
  const r = p.rng;
  const pairs = p.filters();
  const paged = r.chance(0.65);
  if (paged) {
    if (r.chance(0.85)) pairs.push(['limit', Math.max(1, p.limit())]);
    if (r.chance(0.4)) pairs.push(['offset', r.pick([0, 1, 3, 20, 1000])]);
  }
  for (let i = r.pick([0, 0, 1, 1, 2]); i > 0; i--) {
    const [field, direction] = p.order();
    pairs.push(['order', `${direction}:${field}`]);
  }
  if (r.chance(0.35))
    pairs.push([
      'fields',
      p
        .fields()
        .filter(f => f !== '')
        .join(','),
    ]);
  return { topic: 'entities', shape: 'list', path: `/entities${p.query(r.chance(0.2) ? pairs.reverse() : pairs)}` };
}

/** Pages of /entities reached by `after`, which is only an offset and a limit. */
function getEntitiesAfter(p) {
  const r = p.rng;
  const after = Buffer.from(JSON.stringify({ limit: 1 + r.below(20), offset: r.below(60) })).toString('base64');
  const pairs = [...p.filters(), ['after', after]];
  if (r.chance(0.3)) pairs.push(['limit', 1 + r.below(9)]);
  if (r.chance(0.3)) pairs.push(['offset', r.below(9)]);
  if (r.chance(0.3)) pairs.push(['order', 'asc:metadata.name']);
  return { topic: 'entities after', shape: 'list', path: `/entities${p.query(pairs)}` };
}

function byRefs(p) {
  const r = p.rng;
  const references = times(r.pick([0, 1, 2, 5, 30, 200]), () => {
    const reference = p.reference();
    return r.pick([
      reference,
      reference,
      reference,
      reference,
      reference.toUpperCase(),
      `${reference}x`,
      reference.replace(/^[^:]+:/, ''),
      'component:default/nope',
      '',
      'bad',
      reference,
    ]);
  });
  const body = { entityRefs: references };
  if (r.chance(0.3)) body.fields = p.fields();
  if (r.chance(0.25)) body.query = p.predicate(2);
  return { topic: 'by-refs', ...post(`/entities/by-refs${p.query(r.chance(0.3) ? p.filters() : [])}`, body) };
}

const nameParts = (p, reference) => {
  const [, kind, namespace, name] = /^([^:]+):([^/]+)\/(.+)$/.exec(reference);
  const r = p.rng;
  const shape = s =>
    r.pick([
      s,
      s,
      s,
      s.toUpperCase(),
      encodeURIComponent(s),
      s.replace(/[a-z]/, c => `%${c.charCodeAt(0).toString(16)}`),
    ]);
  return [shape(kind), shape(namespace), shape(r.chance(0.1) ? `${name}x` : name)].join('/');
};
const byName = p => ({
  topic: 'by-name',
  path: `/entities/by-name/${nameParts(p, p.reference())}${p.rng.pick(['', '', '', '/'])}`,
});
const ancestry = p => ({ topic: 'ancestry', path: `/entities/by-name/${nameParts(p, p.reference())}/ancestry` });
const byUid = p => ({ topic: 'by-uid', path: `/entities/by-uid/{{uid:${p.reference()}}}` });

function byUidElsewhere(p) {
  const r = p.rng;
  const uid = `{{uid:${p.reference()}}}`;
  return {
    topic: 'uid in a query',
    ...r.pick([
      { shape: 'page', path: `/entities/by-query?filter=metadata.uid=${uid}` },
      { shape: 'page', path: `/entities/by-query?fullTextFilterTerm=${uid}` },
      {
        shape: 'page',
        path: `/entities/by-query?fullTextFilterTerm=${uid}&fullTextFilterFields=METADATA.UID&orderField=metadata.name,asc`,
      },
      { shape: 'list', path: `/entities?filter=metadata.uid=${uid},kind&fields=kind,metadata.name` },
      { path: `/entity-facets?facet=kind&filter=metadata.uid=${uid}` },
      { shape: 'page', ...post('/entities/by-query', { query: { 'metadata.uid': uid } }) },
      {
        shape: 'page',
        ...post('/entities/by-query', {
          query: { 'metadata.uid': { $in: [uid, `{{uid:${p.reference()}}}`] } },
          orderBy: [{ field: 'metadata.name', order: 'desc' }],
        }),
      },
    ]),
  };
}

const facetName = p => {
  for (;;) {
    const key = p.rng.chance(0.5) ? p.word('facets') : p.key();
    if (!/uid/i.test(key) && key.trim()) return key;
  }
};
function getFacets(p) {
  const r = p.rng;
  return {
    topic: 'facets GET',
    path: `/entity-facets${p.query([...times(1 + r.below(3), () => [['facet', facetName(p)]]), ...p.filters()])}`,
  };
}
function postFacets(p) {
  const r = p.rng;
  const body = { facets: times(1 + r.below(3), () => facetName(p)) };
  if (r.chance(0.7)) body.query = p.predicate();
  return { topic: 'facets POST', ...post('/entity-facets', body) };
}

function conditional(p) {
  const r = p.rng;
  return {
    topic: 'conditional',
    shape: 'conditional',
    path: r.pick([
      '/entity-facets?facet=kind',
      `/entities/by-query?limit=3&fields=kind,metadata.name&orderField=metadata.name,asc`,
      `/entities/by-name/${nameParts(p, p.reference())}`,
      `/entities/by-query?limit=2&orderField=metadata.name,asc`,
      '/entities?limit=1&fields=metadata.name',
      '/entities/by-query?limit=0',
      '/locations',
      `/entities/by-name/${nameParts(p, p.reference())}/ancestry`,
      '/entities?limit=2',
      '/openapi.json',
    ]),
  };
}

export const reads = (p, share) => {
  const n = count => Math.max(1, Math.round(count * share));
  return [
    ...times(n(420), () => getByQuery(p)),
    ...times(n(200), () => getFullText(p)),
    ...times(n(420), () => postByQuery(p)),
    ...times(n(320), () => getEntities(p)),
    ...times(n(40), () => getEntitiesAfter(p)),
    ...times(n(140), () => byRefs(p)),
    ...times(n(160), () => byName(p)),
    ...times(n(40), () => ancestry(p)),
    ...times(n(30), () => byUid(p)),
    ...times(n(40), () => byUidElsewhere(p)),
    ...times(n(180), () => getFacets(p)),
    ...times(n(160), () => postFacets(p)),
    ...times(n(30), () => conditional(p)),
  ];
};
