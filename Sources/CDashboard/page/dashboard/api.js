// Requests to the gateway that served this page.

import { needToken, session } from './session.js';

/** The gateway gave no answer. */
export class Unreachable extends Error {
  constructor() {
    super('The gateway does not answer.');
  }
}

/** The gateway said no: RFC 9457, with the members of openapi.yaml. */
export class Problem extends Error {
  constructor(status, members, retryAfter) {
    super(members.detail ?? `The gateway answered with the status ${status}.`);
    Object.assign(this, members, { status });
    /** Seconds to wait before it can be another answer, or `undefined`. */
    this.retryAfter = Number.parseInt(retryAfter, 10) || undefined;
  }
}

/** Tells `answered` and `unanswered`, for whoever watches over the gateway. */
export const traffic = new EventTarget();

function tell(event) {
  traffic.dispatchEvent(new Event(event));
}

const isJSON = (type) => /^application\/(problem\+)?json\b/.test(type ?? '');

/** What an answer means: its body, or a thrown error. */
function judge(status, type, retryAfter, text) {
  const isProblem = type?.startsWith('application/problem+json');
  // A proxy in front speaks for a gateway that is not there, without problem documents.
  if (status === 0 || ([502, 503, 504].includes(status) && !isProblem)) {
    tell('unanswered');
    throw new Unreachable();
  }
  tell('answered');
  if (status < 400) return isJSON(type) ? JSON.parse(text) : undefined;
  throw new Problem(status, isProblem ? JSON.parse(text) : {}, retryAfter);
}

/**
 * One request. Asks for a token when one is needed, and then goes on.
 *
 * @returns {Promise<{status: number, headers: Headers, body: any}>} `body` is JSON, or bytes.
 * @throws {Problem|Unreachable|DOMException} the last when `signal` was aborted.
 */
export async function request(method, path, options = {}) {
  const { body, headers, signal, token = session.token } = options;
  try {
    return await attempt(method, path, { body, headers, signal, token });
  } catch (error) {
    // Who tries a token out wants to hear about it.
    if (error.status !== 401 || 'token' in options) throw error;
    if (session.token === token) await needToken(error);
    return request(method, path, options);
  }
}

async function attempt(method, path, { body, headers, signal, token }) {
  try {
    const answer = await fetch(path, {
      method, body, signal, cache: 'no-store', headers: { ...headers, ...authorization(token) },
    });
    const type = answer.headers.get('Content-Type');
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const text = isJSON(type) ? new TextDecoder().decode(bytes) : '';
    const json = judge(answer.status, type, answer.headers.get('Retry-After'), text);
    return { status: answer.status, headers: answer.headers, body: json ?? bytes };
  } catch (error) {
    // `fetch` says TypeError to everything that is not an answer.
    if (!(error instanceof TypeError) || signal?.aborted) throw error;
    tell('unanswered');
    throw new Unreachable();
  }
}

const authorization = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

export const get = async (path, signal) => (await request('GET', path, { signal })).body;

export function postJSON(path, document) {
  const headers = { 'Content-Type': 'application/json' };
  return request('POST', path, { body: JSON.stringify(document), headers });
}

/**
 * Sends a body of any size. `fetch` does not tell how much of it has left; this does.
 *
 * @param {(bytes: number) => void} onProgress
 * @throws {Problem|Unreachable|DOMException} the last when `signal` was aborted.
 */
export function upload(path, body, sendOffset, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const exchange = new XMLHttpRequest();
    exchange.open('POST', path);
    exchange.setRequestHeader('Content-Type', 'application/octet-stream');
    exchange.setRequestHeader('Send-Offset', sendOffset);
    for (const [name, value] of Object.entries(authorization(session.token))) {
      exchange.setRequestHeader(name, value);
    }
    const abort = () => exchange.abort();
    signal.addEventListener('abort', abort);
    exchange.upload.addEventListener('progress', (event) => onProgress(event.loaded));
    exchange.addEventListener('loadend', () => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) return reject(signal.reason);
      const field = (name) => exchange.getResponseHeader(name);
      try {
        const { status, responseText } = exchange;
        resolve(judge(status, field('Content-Type'), field('Retry-After'), responseText));
      } catch (error) {
        reject(error);
      }
    });
    exchange.send(body);
  });
}

/** The path of a connection, or of something of it. */
export const connectionPath = (id, rest = '') =>
  `/v1/connections/${encodeURIComponent(id)}${rest}`;
