// Walks along cursors, forwards and backwards, by GET and POST, with page sizes and projections that change on the way.
import { post } from './parts.mjs';

export function walks(p, count) {
  const r = p.rng;
  return Array.from({ length: count }, () => {
    const limit = r.pick([1, 2, 3, 7, 20, 50]);
    const [field, order] = p.order();
    const ordered = r.chance(0.75);
    const offset = r.chance(0.2) ? r.below(6) : undefined;
    const text = r.chance(0.2) ? p.term().trim() : '';
    let start;
    if (r.chance(0.5)) {
      const pairs = [...p.filters(), ['limit', limit]];
      if (ordered) pairs.push(['orderField', `${field},${order}`]);
      if (offset !== undefined) pairs.push(['offset', offset]);
      if (text) pairs.push(['fullTextFilterTerm', text], ['fullTextFilterFields', 'metadata.name,metadata.title']);
      if (r.chance(0.1)) pairs.push(['totalItems', 'exclude']);
      start = { path: `/entities/by-query${p.query([...pairs, ['fields', 'kind,metadata.namespace,metadata.name']])}` };
    } else {
      const body = { limit, fields: ['kind', 'metadata.namespace', 'metadata.name'] };
      if (r.chance(0.8)) body.query = p.predicate(2);
      if (ordered) body.orderBy = [{ field, order }];
      if (offset !== undefined) body.offset = offset;
      if (text) body.fullTextFilter = { term: text, fields: ['metadata.name', 'metadata.title'] };
      start = post('/entities/by-query', body);
    }
    const moves = [];
    for (let i = 4 + r.below(12); i > 0; i--) {
      moves.push({
        to: r.chance(0.72) ? 'next' : 'prev',
        by: r.pick(['GET', 'POST']),
        limit: r.chance(0.7) ? limit : r.pick([1, 4, 30, null]),
        plain: r.chance(0.2),
      });
    }
    return { topic: 'walk', shape: 'walk', ...start, moves };
  });
}

/** The request of one move. */
export function follow(cursor, move) {
  const fields = ['kind', 'metadata.namespace', 'metadata.name'];
  if (move.by === 'POST') {
    return post('/entities/by-query', {
      cursor,
      ...(move.limit === null ? {} : { limit: move.limit }),
      ...(move.plain ? {} : { fields }),
    });
  }
  return {
    path: `/entities/by-query?cursor=${encodeURIComponent(cursor)}${move.limit === null ? '' : `&limit=${move.limit}`}${move.plain ? '' : `&fields=${fields.join(',')}`}`,
  };
}
