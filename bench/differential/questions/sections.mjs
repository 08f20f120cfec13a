// Question lists kept as text: `# heading`, then one entry per line up to the next heading. Empty lines are skipped.
import fs from 'node:fs';

export function sections(file) {
  const found = [];
  for (const line of fs.readFileSync(new URL(file, import.meta.url), 'utf8').split('\n')) {
    if (line.startsWith('# ')) found.push({ heading: line.slice(2), entries: [] });
    else if (line) found.at(-1).entries.push(line);
  }
  return found;
}
