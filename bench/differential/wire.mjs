// Plain HTTP with nothing tidied up on the way: paths go out as written.
import http from 'node:http';

export class Side {
  constructor(base) {
    const url = new URL(base);
    this.host = url.hostname;
    this.port = url.port || 80;
    this.mount = url.pathname.replace(/\/$/, '');
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    this.uids = new Map();
  }

  close() {
    this.agent.destroy();
  }

  async raw(request) {
    // A kept-alive connection may be closed by the other end just as it is used again.
    const answer = await this.once(request);
    return answer.stale ? this.once(request) : answer;
  }

  once({ method = 'GET', path, headers = {}, body }) {
    return new Promise(resolve => {
      const payload = body === undefined ? undefined : Buffer.from(body);
      const all = { accept: 'application/json', ...headers };
      if (process.env.TOKEN) all.authorization = `Bearer ${process.env.TOKEN}`;
      if (payload !== undefined) all['content-length'] = payload.length;
      const request = http.request(
        {
          host: this.host,
          port: this.port,
          method,
          path: this.mount + path,
          headers: all,
          agent: this.agent,
          timeout: 60_000,
        },
        response => {
          const chunks = [];
          response.on('data', c => chunks.push(c));
          response.on('end', () =>
            resolve({
              status: response.statusCode,
              headers: response.headers,
              text: Buffer.concat(chunks).toString('utf8'),
            }),
          );
          response.on('error', e => resolve({ status: 0, headers: {}, text: String(e) }));
        },
      );
      request.on('timeout', () => request.destroy(new Error('no answer within 60 s')));
      request.on('error', e =>
        resolve({ status: 0, headers: {}, text: String(e), stale: request.reusedSocket && e.code === 'ECONNRESET' }),
      );
      if (payload !== undefined) request.write(payload);
      request.end();
    });
  }

  /** The uid by which this side knows an entity; each side has its own. */
  async uid(reference) {
    if (!this.uids.has(reference)) {
      const [, kind, namespace, name] = /^([^:]+):([^/]+)\/(.+)$/.exec(reference);
      const answer = await this.raw({ path: `/entities/by-name/${kind}/${namespace}/${name}` });
      this.uids.set(
        reference,
        answer.status === 200 ? JSON.parse(answer.text).metadata.uid : '00000000-0000-4000-8000-000000000000',
      );
    }
    return this.uids.get(reference);
  }

  /** Sends a request whose path and body may hold `{{uid:kind:namespace/name}}`, and hides that uid in the answer again. */
  async send(request) {
    const used = new Map();
    const fill = async text => {
      let out = text;
      for (const [whole, reference] of text.matchAll(/\{\{uid:([^}]+)\}\}/g)) {
        const uid = await this.uid(reference);
        used.set(uid, whole);
        out = out.replaceAll(whole, uid);
      }
      return out;
    };
    const filled = { ...request, path: await fill(request.path) };
    if (request.body !== undefined) filled.body = await fill(request.body);
    const answer = await this.raw(filled);
    for (const [uid, whole] of used)
      answer.text = answer.text.replaceAll(`"uid":"${uid}"`, '"uid":"*"').replaceAll(uid, whole);
    return answer;
  }
}

export const parse = text => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
