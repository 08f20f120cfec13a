// Replays a recorded walk with the cursors of the other side.
import { referenceOf } from './rows.mjs';
import { steps } from './walk.mjs';

export async function compareWalk(side, request, expect) {
  const out = [];
  const groupOf = [];
  expect.groups.forEach((group, g) => {
    for (const _ of group) groupOf.push(g);
  });
  const placed = new Map();
  let nth = 0;
  for await (const { answer, body, move } of steps(side, request)) {
    const page = expect.pages[nth];
    const where = `page ${nth}${move ? ` (${move.to} by ${move.by})` : ''}`;
    nth++;
    if (!page) {
      out.push({ kind: 'walk: more pages than recorded', detail: where });
      break;
    }
    if (page.status !== answer.status) {
      const kind = `walk: status ${page.status} expected, got ${answer.status}`;
      out.push({ kind, detail: `${where}: ${page.message ?? ''} / ${body?.error?.message ?? ''}` });
      break;
    }
    if (page.status !== 200) continue;
    const got = {
      count: body.items?.length,
      totalItems: body.totalItems,
      next: body.pageInfo?.nextCursor !== undefined,
      prev: body.pageInfo?.prevCursor !== undefined,
    };
    for (const name of Object.keys(got))
      if (got[name] !== page[name])
        out.push({ kind: `walk: ${name}`, detail: `${where}: expected ${page[name]}, got ${got[name]}` });
    if (got.count !== page.count) break;
    body.items.map(referenceOf).forEach((reference, i) => {
      const place = page.from + i;
      if (!expect.groups[groupOf[place]]?.includes(reference))
        out.push({
          kind: 'walk: an entity that does not belong at its place',
          detail: `${where}, place ${place}: ${reference}`,
        });
      else if (placed.has(place) && placed.get(place) !== reference)
        out.push({
          kind: 'walk: another entity when coming back to a place',
          detail: `${where}, place ${place}: ${reference}, before ${placed.get(place)}`,
        });
      placed.set(place, reference);
    });
  }
  if (nth < expect.pages.length && !out.length)
    out.push({ kind: 'walk: fewer pages than recorded', detail: `${nth} of ${expect.pages.length}` });
  const repeated = [...placed].filter(
    ([place, reference]) =>
      [...placed].some(([other, r]) => other > place && r === reference && groupOf[other] === groupOf[place]) &&
      expect.groups[groupOf[place]].filter(r => r === reference).length < 2,
  );
  if (repeated.length) out.push({ kind: 'walk: an entity twice', detail: repeated.slice(0, 3).map(String).join(' ') });
  return out;
}
