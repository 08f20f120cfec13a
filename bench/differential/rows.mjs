// The search rows of an entity: what filters, facets, orders and text searches look at.
// Used to choose questions that have answers, and to know which entities tie in an order.
const NOT_WALKED = new Set([
  'attachments',
  'relations',
  'status',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'metadata.etag',
]);
const LONGEST = 200;

/** Rows as {key, value, original}; `value` is null for null and over-long values. */
export function searchRows(entity) {
  const found = [];
  const walk = (path, node) => {
    if (NOT_WALKED.has(path)) return;
    if (node === null || typeof node !== 'object') {
      found.push([path, node]);
    } else if (Array.isArray(node)) {
      for (const element of node) {
        walk(path, element);
        if (typeof element === 'string') found.push([`${path}.${element}`, true]);
      }
    } else {
      for (const [name, child] of Object.entries(node)) walk(path ? `${path}.${name}` : name, child);
    }
  };
  walk('', entity);
  found.push(
    ['metadata.name', entity.metadata.name],
    ['metadata.namespace', entity.metadata.namespace ?? 'default'],
    ['metadata.uid', entity.metadata.uid],
  );
  for (const relation of entity.relations ?? []) found.push([`relations.${relation.type}`, relation.targetRef]);

  const rows = new Map();
  for (const [path, scalar] of found) {
    const key = path.toLowerCase();
    if (key.length > LONGEST) continue;
    const original = scalar === null || scalar === undefined ? null : String(scalar);
    const value = original === null ? null : original.toLowerCase();
    const row =
      value === null || value.length > LONGEST ? { key, value: null, original: null } : { key, value, original };
    const identity = `${key}\u0000${row.value ?? '\u0001'}`;
    if (!rows.has(identity)) rows.set(identity, row);
  }
  return [...rows.values()];
}

export const referenceOf = entity =>
  `${entity.kind}:${entity.metadata.namespace ?? 'default'}/${entity.metadata.name}`.toLowerCase();

/** Byte order of the UTF-8 forms, which is the order of a C collation. */
export const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Everything the question makers and the recorder know of a catalog. */
export class Facts {
  constructor(entities) {
    this.entities = entities;
    this.byReference = new Map(entities.map(e => [referenceOf(e), e]));
    this.references = [...this.byReference.keys()].sort(byBytes);
    this.rows = new Map();
    this.allRows = [];
    for (const [reference, entity] of this.byReference) {
      const rows = searchRows(entity);
      this.rows.set(reference, rows);
      for (const row of rows) if (row.key !== 'metadata.uid') this.allRows.push(row);
    }
    this.keys = [...new Set(this.allRows.map(r => r.key))].sort(byBytes);
  }

  /** The distinct non-null values of `key` on an entity, in byte order. */
  values(reference, key) {
    return this.rows
      .get(reference)
      .filter(r => r.key === key && r.value !== null)
      .map(r => r.value)
      .sort(byBytes);
  }
}
