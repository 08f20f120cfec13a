#!/usr/bin/env node
// Asks a catalog API some thousands of generated questions and writes down what it answered:
//   node record.mjs BASE OUT.jsonl [--seed N] [--share F] [--walks N] [--no-fixed]
// --share scales the number of random questions, --no-fixed leaves out those that do not depend on the catalog.
// What another implementation may choose for itself (uids, etags, cursors, the order of ties) is recorded as such.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { Random } from './random.mjs';
import { Facts } from './rows.mjs';
import { Side, parse } from './wire.mjs';
import { masked, envelope } from './canonical.mjs';
import { Parts } from './questions/parts.mjs';
import { reads } from './questions/reads.mjs';
import { walks } from './questions/walks.mjs';
import { malformed } from './questions/malformed.mjs';
import { validation } from './questions/validation.mjs';
import { Orders } from './orders.mjs';
import { recordWalk } from './walk.mjs';

const {
  values: options,
  positionals: [base, out],
} = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    share: { type: 'string', default: '1' },
    walks: { type: 'string', default: '120' },
    'no-fixed': { type: 'boolean', default: false },
  },
});
if (!base || !out) {
  console.error('usage: record.mjs BASE OUT.jsonl [--seed N] [--share F] [--walks N] [--no-fixed]');
  process.exit(2);
}

const side = new Side(base);
const facts = new Facts(parse((await side.raw({ path: '/entities' })).text));
const parts = new Parts(new Random(Number(options.seed)), facts);
const orders = new Orders(side, facts);
const questions = [
  ...reads(parts, Number(options.share)),
  ...walks(parts, Number(options.walks)),
  ...(options['no-fixed'] ? [] : [...malformed(), ...validation(parts.rng)]),
];

const file = fs.createWriteStream(out);
file.write(
  `${JSON.stringify({ about: { base, entities: facts.entities.length, seed: options.seed, questions: questions.length } })}\n`,
);
const written = new Set();
const tally = new Map();
const count = what => tally.set(what, (tally.get(what) ?? 0) + 1);

for (const [id, question] of questions.entries()) {
  const { topic, shape = 'plain', ...request } = question;
  let expect;
  if (shape === 'walk') {
    expect = await recordWalk(side, facts, orders, request);
  } else {
    const answer = await side.send(request);
    const body = parse(answer.text);
    expect = {
      ...envelope(answer),
      ...(body === undefined ? { text: answer.text.slice(0, 2000) } : { body: masked(body) }),
    };
    if (shape === 'conditional' && answer.headers.etag !== undefined) {
      expect.again = (
        await side.send({ ...request, headers: { ...request.headers, 'if-none-match': answer.headers.etag } })
      ).status;
    }
    if (answer.status === 200 && (shape === 'page' || shape === 'list')) {
      const items = shape === 'page' ? body?.items : body;
      if (Array.isArray(items) && items.length) {
        const ties = await orders.ties(request, shape, items);
        count(ties.how);
        for (const set of ties.sets ?? [])
          if (!written.has(set.id)) {
            written.add(set.id);
            file.write(`${JSON.stringify({ set: set.id, members: set.members })}\n`);
          }
        expect.ties = { how: ties.how, groups: ties.groups };
        // Long answers are checked by the fingerprints of their items alone.
        if (items.length > 60 && ties.groups) {
          expect.items = ties.fingerprints;
          if (shape === 'page') delete expect.body.items;
          else delete expect.body;
        }
      }
    }
  }
  count(`${topic} ${expect.status ?? 'walk'}`);
  file.write(`${JSON.stringify({ id, topic, shape, request, expect })}\n`);
  if (id % 250 === 249) console.error(`${id + 1}/${questions.length}`);
}
await new Promise(done => file.end(done));
side.close();
for (const [what, n] of [...tally].sort()) console.error(`${String(n).padStart(6)} ${what}`);
