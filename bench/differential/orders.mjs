// Works out, for an answer that lists entities, which of its places are decided by the order asked for and which
// only by the uids of the side that answered.
import { createHash } from 'node:crypto';
import { parse } from './wire.mjs';
import { canonical, fingerprint } from './canonical.mjs';
import { tieGroups, overlapping } from './sequence.mjs';
import { referenceOf } from './rows.mjs';

const EVERYTHING = 1_000_000;
const IDENTITY = ['kind', 'metadata.namespace', 'metadata.name'];

const JSON_TYPE = { 'content-type': 'application/json' };

/** The body of a POST as the server takes it: one that is not declared to be JSON counts as empty. */
const taken = request =>
  /^application\/json\b/i.test(request.headers?.['content-type'] ?? '') ? (parse(request.body) ?? {}) : {};

/** The parameters of a URL, repeated ones in a list. */
const parameters = path => {
  const at = path.indexOf('?');
  return [...new URLSearchParams(at < 0 ? '' : path.slice(at + 1).split('#')[0])].map(([k, v]) => [
    k.replace(/\[\d*\]$/, ''),
    v,
  ]);
};

export class Orders {
  constructor(side, facts) {
    this.side = side;
    this.facts = facts;
    this.cache = new Map();
  }

  /** The order a request asks for, as `tieGroups` takes it. */
  asked(request, shape) {
    if (request.method === 'POST') {
      const body = taken(request);
      const first = body.orderBy?.[0];
      return byQueryOrder(first?.field, first?.order, body.fullTextFilter?.term, body.fullTextFilter?.fields);
    }
    const given = parameters(request.path);
    const all = name => given.filter(([k]) => k === name).map(([, v]) => v);
    if (shape === 'page') {
      const [field, direction] = (all('orderField')[0] ?? '').split(',');
      return byQueryOrder(
        all('orderField').length ? field : undefined,
        direction,
        all('fullTextFilterTerm')[0],
        all('fullTextFilterFields').flatMap(f => f.split(',')),
      );
    }
    const ordered = all('order').map(o => ({ key: o.slice(o.indexOf(':') + 1), descending: o.startsWith('desc') }));
    const paged = ['limit', 'offset', 'after'].some(name => all(name).length);
    if (!ordered.length) return { how: paged ? 'reference' : 'uid', fields: [] };
    if (!paged) return byQueryOrder(ordered[0].key, ordered[0].descending ? 'desc' : 'asc');
    // From the uid on the order is decided, by what only the answering side knows.
    const uidAt = ordered.findIndex(f => f.key === 'metadata.uid');
    const fields = uidAt < 0 ? ordered : ordered.slice(0, uidAt);
    return { how: fields.length ? 'value' : 'uid', fields, absentLast: true };
  }

  /** The same request for everything, and with other fields. */
  whole(request, shape, fields) {
    if (request.method === 'POST') {
      const body = { ...taken(request) };
      for (const key of ['limit', 'offset', 'totalItems']) delete body[key];
      return {
        ...request,
        headers: JSON_TYPE,
        body: JSON.stringify({ ...body, limit: EVERYTHING, totalItems: 'exclude', ...(fields ? { fields } : {}) }),
      };
    }
    const kept = parameters(request.path).filter(
      ([k]) => !['limit', 'offset', 'after', 'totalItems', ...(fields ? ['fields'] : [])].includes(k),
    );
    if (shape === 'page') kept.push(['limit', EVERYTHING], ['totalItems', 'exclude']);
    else if (parameters(request.path).some(([k]) => ['limit', 'offset', 'after'].includes(k)))
      kept.push(['limit', EVERYTHING]);
    if (fields) kept.push(['fields', fields.join(',')]);
    const query = kept
      .map(([k, v]) => `${k}=${encodeURIComponent(v).replace(/%7B%7Buid%3A.*?%7D%7D/g, decodeURIComponent)}`)
      .join('&');
    return { ...request, path: `${request.path.split('?')[0]}${query ? `?${query}` : ''}` };
  }

  async listed(request, shape) {
    const key = JSON.stringify(request);
    if (!this.cache.has(key)) {
      if (this.cache.size > 40) this.cache.clear();
      const body = parse((await this.side.send(request)).text);
      this.cache.set(key, shape === 'page' ? body?.items : body);
    }
    return this.cache.get(key);
  }

  /** All entities that a request lists, as references in order, and the sizes of the groups that tie. */
  async sequence(request, shape) {
    const named = await this.listed(this.whole(request, shape, IDENTITY), shape);
    if (!Array.isArray(named)) return null;
    const references = named.map(referenceOf);
    return { references, sizes: tieGroups(references, this.facts, this.asked(request, shape)) };
  }

  async ties(request, shape, items) {
    const sequence = await this.sequence(request, shape);
    if (!sequence) return { how: 'unknown' };
    const sizes = sequence.sizes ?? [sequence.references.length];
    const how = sequence.sizes ? undefined : 'order not modelled';
    const from = this.starts(request).find(at => items.every((item, i) => agrees(item, sequence.references[at + i])));
    if (from === undefined) return { how: 'unknown' };
    const tied = overlapping(sizes, from, from + items.length).filter(g => g.size > 1);
    const fingerprints = items.map(fingerprint);
    if (!tied.length) return { how: how ?? 'total order', groups: [], fingerprints };

    const full = await this.listed(this.whole(request, shape), shape);
    if (!Array.isArray(full) || full.length !== sequence.references.length) return { how: 'unknown' };
    if (items.some((item, i) => canonical(full[from + i]) !== canonical(item))) return { how: 'unknown' };
    const sets = [];
    const groups = tied.map(({ start, size }) => {
      const members = full
        .slice(start, start + size)
        .map(fingerprint)
        .sort();
      const place = { at: start - from, size };
      if (size <= 40) return { ...place, members };
      const id = createHash('sha1').update(members.join()).digest('base64').slice(0, 16);
      sets.push({ id, members });
      return { ...place, set: id };
    });
    return { how: how ?? 'ties', groups, sets, fingerprints };
  }

  /** Where the page may start in the whole. */
  starts(request) {
    const given = parameters(request.path);
    const after = given.find(([k]) => k === 'after')?.[1];
    const offset = Number(
      request.method === 'POST' ? (taken(request).offset ?? 0) : (given.find(([k]) => k === 'offset')?.[1] ?? 0),
    );
    const cursor = after === undefined ? undefined : (parse(Buffer.from(after, 'base64').toString())?.offset ?? 0);
    return [...new Set([cursor ?? offset, offset, Math.round(offset)])];
  }
}

/** Whether an item, which may be a projection without its name, can be the entity referred to. */
const agrees = (item, reference) =>
  reference !== undefined &&
  (typeof item?.metadata?.name !== 'string' || reference.endsWith(`/${item.metadata.name.toLowerCase()}`));

function byQueryOrder(field, direction, term, textFields) {
  if (field === undefined) return { how: 'uid', fields: [] };
  const key = field.toLowerCase();
  const searched = textFields?.length ? textFields : [key];
  const only = term?.trim() && searched.length === 1 && searched[0] === key ? term.trim().toLowerCase() : undefined;
  return {
    how: key === 'metadata.uid' ? 'uid' : 'value',
    fields: [{ key, descending: direction === 'desc' }],
    absentLast: false,
    only,
  };
}
