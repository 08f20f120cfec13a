// Walks along cursors. A walk is recorded as the places in the whole answer that each page covered.
import { parse } from './wire.mjs';
import { referenceOf } from './rows.mjs';
import { follow } from './questions/walks.mjs';

const LONGEST = 1500;

/** Goes from page to page as told; yields one step per answer. */
export async function* steps(side, request) {
  const { moves, ...first } = request;
  let answer = await side.send(first);
  let body = parse(answer.text);
  yield { answer, body };
  for (const move of moves) {
    if (answer.status !== 200) return;
    const cursor = body.pageInfo?.[move.to === 'next' ? 'nextCursor' : 'prevCursor'];
    if (cursor === undefined) continue;
    answer = await side.send(follow(cursor, move));
    const next = parse(answer.text);
    if (answer.status === 200) body = next;
    yield { answer, body: next, move };
  }
}

const runs = (references, page) => {
  const out = [];
  for (let from = 0; from + page.length <= references.length; from++) {
    if (page.every((reference, i) => references[from + i] === reference)) out.push(from);
  }
  return out;
};

export async function recordWalk(side, facts, orders, request) {
  const { moves, ...first } = request;
  const pages = [];
  let whole;
  let expectedAt = 0;
  for await (const { answer, body, move } of steps(side, request)) {
    if (answer.status !== 200) {
      pages.push({ status: answer.status, message: body?.error?.message });
      break;
    }
    whole ??= await orders.sequence(first, 'page');
    if (!whole?.sizes || whole.references.length > LONGEST)
      return { skipped: true, status: answer.status, totalItems: body.totalItems };
    const page = body.items.map(referenceOf);
    const places = runs(whole.references, page);
    if (!places.length) return { skipped: true, status: answer.status, totalItems: body.totalItems };
    if (move?.to === 'prev') expectedAt = Math.max(0, (pages.at(-1)?.from ?? 0) - page.length);
    const from = places.sort((a, b) => Math.abs(a - expectedAt) - Math.abs(b - expectedAt))[0];
    expectedAt = from + page.length;
    pages.push({
      status: 200,
      from,
      count: page.length,
      totalItems: body.totalItems,
      next: body.pageInfo.nextCursor !== undefined,
      prev: body.pageInfo.prevCursor !== undefined,
    });
  }
  const groups = [];
  let start = 0;
  for (const size of whole?.sizes ?? []) {
    groups.push(whole.references.slice(start, start + size));
    start += size;
  }
  return { pages, groups };
}
