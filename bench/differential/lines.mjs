// The lines of a file. Not node:readline, which also splits at U+2028, a character that JSON leaves as it is.
import fs from 'node:fs';

export async function* lines(path) {
  let rest = '';
  for await (const chunk of fs.createReadStream(path, { encoding: 'utf8' })) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    yield* parts;
  }
  if (rest) yield rest;
}
