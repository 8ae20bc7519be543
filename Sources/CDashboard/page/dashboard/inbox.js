// What arrives on a connection. Looking at it takes nothing away: requests without `ack` and
// without a reader's name change nothing, and nothing is kept for them.

import { connectionPath, postJSON, request } from './api.js';
import { byId, element, say, setText } from './elements.js';
import { repeat } from './live.js';
import { asHex, asText } from './shown.js';
import { bytes, problemText } from './words.js';

/** Bytes that are shown: the last ones. */
const maximumShown = 32 << 10;
/** Bytes that are kept for saving. Then the page reads no further until it is told to. */
const maximumKept = 64 << 20;
/** How long the gateway may wait for a byte: the most it allows. */
const wait = '60s';
/** Milliseconds between two answers, so that a fast peer leaves the page some time. */
const pause = 50;

const view = byId('arrived');
const note = byId('arrived-status');
const automatic = byId('acknowledge-all');

export class Inbox {
  #connection;
  #stop;
  #pieces = [];
  #size = 0;
  #shown = new Uint8Array();
  /** The cursor after the last byte that is here; none before the first answer. */
  #next;
  /** Nothing more will come; and this was all. */
  #isClosed = false;
  #isFinished = false;
  #wasTrimmed = false;
  #controls = new AbortController();

  constructor(connection) {
    this.#connection = connection;
    automatic.checked = false;
    const on = (id, event, work) =>
      byId(id).addEventListener(event, work, { signal: this.#controls.signal });
    on('show-text', 'change', () => this.#draw());
    on('show-hex', 'change', () => this.#draw());
    on('acknowledge', 'click', () => this.#acknowledge());
    on('acknowledge-all', 'change', () => automatic.checked && this.#acknowledge());
    on('save-arrived', 'click', () => this.#save());
    on('clear-arrived', 'click', () => this.#clear());
    this.#draw();
    this.#follow();
  }

  close() {
    this.#controls.abort();
    this.#stop();
  }

  get #isFull() {
    return this.#size >= maximumKept;
  }

  #follow() {
    this.#stop?.();
    this.#stop = repeat(pause, (signal) => this.#read(signal), (problem) => this.#failed(problem));
  }

  async #read(signal) {
    const query = new URLSearchParams({ wait });
    if (this.#next) query.set('offset', this.#next);
    const path = connectionPath(this.#connection, `/data?${query}`);
    const { status, headers, body } = await request('GET', path, { signal });
    this.#next = headers.get('Next-Offset');
    this.#isClosed = headers.get('Stream-Closed') === 'true';
    this.#isFinished = headers.get('Stream-Finished') === 'true';
    if (status === 200) this.#take(body);
    this.#draw();
    if (status === 200 && automatic.checked) await this.#acknowledge();
    return !this.#isClosed && !this.#isFull;
  }

  #take(body) {
    this.#pieces.push(body);
    this.#size += body.length;
    const last = new Uint8Array(Math.min(this.#shown.length + body.length, maximumShown));
    const fresh = body.subarray(-last.length);
    last.set(this.#shown.subarray(this.#shown.length - (last.length - fresh.length)));
    last.set(fresh, last.length - fresh.length);
    this.#shown = last;
  }

  #failed(problem) {
    if (problem.earliest) {
      this.#wasTrimmed = true;
      this.#next = problem.earliest;
    }
    say(note, problemText(problem), true);
    if (problem.status === 404) this.#stop();
  }

  #draw() {
    const position = this.#size - this.#shown.length;
    const isHex = byId('show-hex').checked;
    // Who has scrolled back is reading there.
    const isAtEnd = view.scrollTop + view.clientHeight >= view.scrollHeight - 4;
    setText(view, isHex ? asHex(this.#shown, position) : asText(this.#shown));
    if (isAtEnd) view.scrollTop = view.scrollHeight;
    say(note, this.#text(position));
    byId('acknowledge').disabled = !this.#size;
    byId('save-arrived').disabled = !this.#size;
    byId('clear-arrived').disabled = !this.#size;
  }

  #text(omitted) {
    const parts = [`${bytes(this.#size)} ${this.#size === 1 ? 'has' : 'have'} arrived here.`];
    if (omitted) parts.push(`The last ${bytes(this.#shown.length)} are shown; save to see all.`);
    if (this.#wasTrimmed) {
      parts.push('Others are missing: another reader had acknowledged them before.');
    }
    if (this.#isFinished) parts.push('That was all: nothing more will come.');
    else if (this.#isClosed) parts.push('It was cut off: the peer had not said that this was all.');
    else if (this.#isFull) {
      parts.push('The page keeps no more: save what is here, and clear it to read on.');
    }
    return parts.join(' ');
  }

  /** Frees what is here, for all requests that name no reader. */
  async #acknowledge() {
    if (!this.#size) return;
    try {
      await postJSON(connectionPath(this.#connection, '/ack'), { offset: this.#next });
      say(byId('acknowledge-status'), `Acknowledged ${bytes(this.#size)}.`);
    } catch (error) {
      automatic.checked = false;
      say(byId('acknowledge-status'), problemText(error), true);
    }
  }

  #save() {
    const address = URL.createObjectURL(new Blob(this.#pieces));
    element('a', { href: address, download: `${this.#connection}.bin` }).click();
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  #clear() {
    const wasFull = this.#isFull;
    this.#pieces = [];
    this.#size = 0;
    this.#shown = new Uint8Array();
    this.#wasTrimmed = false;
    this.#draw();
    if (wasFull && !this.#isClosed) this.#follow();
  }
}
