// Sending a file. What was broken off goes on where the gateway has it.

import { Unreachable, connectionPath, get, upload } from './api.js';
import { rest } from './live.js';
import { bytes, closeReason, problemText } from './words.js';

/**
 * Files that can be on their way at once. A browser makes six HTTP/1.1 connections to a gateway, of
 * all its tabs together; the page needs some to show how it goes.
 */
export const maximumUploads = 2;
/** Milliseconds from a broken upload to the next attempt. */
const retryPause = 1000;

/** Those that are under way, and the last one of each connection, by the connection's id. */
const uploads = new Map();

/**
 * One file on its way. The whole of it is one request, so that nobody else's bytes come in between;
 * only after a break there is a second one, for the rest.
 *
 * Tells `change`.
 */
export class Upload extends EventTarget {
  /** `sending`, `waiting` for the gateway, `accepted`, `done`, `cancelled` or `failed` */
  state = 'sending';
  /** Bytes of the file that the browser has handed over; that the peer has acknowledged. */
  handedOver = 0;
  acknowledged = 0;
  #begin;
  #cancelling = new AbortController();

  constructor(connection, file) {
    super();
    Object.assign(this, { connection, file });
    for (const [id, { isOver }] of uploads) if (isOver) uploads.delete(id);
    uploads.set(connection, this);
    this.#run();
  }

  get isOver() {
    return ['done', 'cancelled', 'failed'].includes(this.state);
  }

  /** Whether the page is needed for it still. */
  get needsPage() {
    return ['sending', 'waiting'].includes(this.state);
  }

  cancel() {
    this.#cancelling.abort();
  }

  /** Takes note of what the connection's document says. */
  observe({ send, state, ...connection }) {
    if (this.#begin === undefined || this.isOver || !send) return;
    this.acknowledged = clamp(send.acknowledged_offset - this.#begin, this.file.size);
    if (this.state === 'accepted') {
      if (this.acknowledged === this.file.size) return this.#become('done');
      if (state === 'closed') return this.#fail(closedText(connection));
    }
    this.#become(this.state);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }

  #fail(text) {
    this.failure = text;
    this.#become('failed');
  }

  async #run() {
    const { signal } = this.#cancelling;
    try {
      // As long as the gateway has not answered that it has all of it.
      while (!(await this.#attempt(signal))) {
        this.#become('waiting');
        await rest(retryPause, signal);
        signal.throwIfAborted();
        await this.#requireReadable();
      }
      this.#become('accepted');
    } catch (error) {
      if (signal.aborted) this.#become('cancelled');
      else this.#fail(problemText(error));
    }
  }

  /** Sends what the gateway does not have yet; false if it does not answer. */
  async #attempt(signal) {
    try {
      const path = connectionPath(this.connection);
      const { send, state, ...connection } = await get(path, signal);
      // The answer that says so can be lost when it comes before the end of the upload.
      if (state === 'closed') throw new Error(closedText(connection));
      if (!send) throw new Error('The connection is from before a restart: it cannot send.');
      this.#begin ??= send.accepted_offset;
      const accepted = send.accepted_offset - this.#begin;
      if (accepted > this.file.size) {
        throw new Error('Somebody else has sent on this connection meanwhile.');
      }
      this.#become('sending');
      await upload(`${path}/data`, this.file.slice(accepted), send.accepted_offset, {
        signal,
        onProgress: (count) => {
          this.handedOver = Math.min(accepted + count, this.file.size);
          this.#become('sending');
        },
      });
      this.handedOver = this.file.size;
      return true;
    } catch (error) {
      if (error instanceof Unreachable) return false;
      throw error;
    }
  }

  /** A file that is gone or has changed looks like a network that fails. */
  async #requireReadable() {
    try {
      await this.file.slice(-1).arrayBuffer();
    } catch {
      throw new Error('The file cannot be read any more: it was changed or removed.');
    }
  }

  /** How it stands, in a sentence. */
  get text() {
    const size = bytes(this.file.size);
    const progress =
      `${bytes(this.acknowledged)} of ${size} acknowledged by the peer, ` +
      `${bytes(this.handedOver)} handed to the gateway.`;
    switch (this.state) {
      case 'sending':
      case 'accepted':
        return progress;
      case 'waiting':
        return `Broken off; it goes on when the gateway answers. ${progress}`;
      case 'done':
        return `The peer has acknowledged all of it: ${this.file.name}, ${size}.`;
      case 'cancelled':
        return `Cancelled. What the gateway had taken is sent all the same. ${progress}`;
      default:
        return `${this.failure} ${progress}`;
    }
  }
}

const closedText = (connection) => `The connection is closed: ${closeReason(connection)}.`;

const clamp = (value, most) => Math.min(Math.max(value, 0), most);

/** The last upload on a connection, if it is remembered. */
export const uploadOn = (connection) => uploads.get(connection);

export const uploadsUnderWay = () =>
  [...uploads.values()].filter(({ needsPage }) => needsPage).length;

/** Tells the upload on a connection, if there is one, how the connection stands. */
export function observeUpload(connection) {
  uploads.get(connection.id)?.observe(connection);
}

// A page that is closed sends no more.
addEventListener('beforeunload', (event) => {
  if (uploadsUnderWay() > 0) event.preventDefault();
});
