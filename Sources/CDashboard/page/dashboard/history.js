// How connections have done lately: what charts are drawn of.

/** Samples of one connection; the oldest go first. */
const maximumSamples = 120;
/** Seconds without a sample that leave a gap, as when the page was hidden. */
const gap = 10;

/** Differences of counters over time, and gauges as they are, of one connection. */
export class History {
  /** @type {{at: number, [series: string]: number}[]} `at` in seconds */
  samples = [];
  #last;

  /** @param {object} connection  its document @param {number} at  seconds, on any steady clock */
  add(connection, at) {
    const { rtt, transport } = connection;
    const counters = countersOf(connection);
    const seconds = this.#last ? at - this.#last.at : 0;
    if (seconds > gap) this.#push({ at: at - seconds / 2 });
    const sample = {
      at,
      rtt: rtt?.smoothed_seconds,
      window: windowBytes(transport, 'congestion_window_packets'),
      peerWindow: windowBytes(transport, 'peer_window_packets'),
      inFlight: windowBytes(transport, 'in_flight_packets'),
    };
    if (seconds > 0) {
      for (const [name, value] of Object.entries(counters)) {
        sample[name] = (value - this.#last.counters[name]) / seconds;
      }
    }
    this.#last = { at, counters };
    this.#push(sample);
  }

  #push(sample) {
    this.samples.push(sample);
    if (this.samples.length > maximumSamples) this.samples.shift();
  }

  /** One value a sample, `undefined` where there was none. */
  series(name) {
    return this.samples.map((sample) => sample[name]);
  }

  latest(name) {
    return this.samples.at(-1)?.[name];
  }

  /** How many seconds the samples span. */
  get seconds() {
    return this.samples.length ? this.samples.at(-1).at - this.samples[0].at : 0;
  }
}

const windowBytes = (transport, name) => transport && transport[name] * transport.datagram_bytes;

function countersOf({ send, receive, transport }) {
  return {
    // What has arrived, at either end.
    sent: send?.acknowledged_offset ?? 0,
    received: receive.received_offset,
    retransmits: retransmits(transport),
  };
}

/** Packets sent again, for whatever reason. */
export const retransmits = (transport) =>
  Object.values(transport?.retransmits ?? {}).reduce((sum, count) => sum + count, 0);

/** Of the connections on the screen. */
const histories = new Map();

/** Adds a sample, and returns the history of the connection. */
export function observe(connection) {
  const history = histories.get(connection.id) ?? new History();
  histories.set(connection.id, history);
  history.add(connection, performance.now() / 1000);
  return history;
}

/** Forgets all but these: what is no longer shown needs no history. */
export function keepHistories(ids) {
  for (const id of histories.keys()) if (!ids.has(id)) histories.delete(id);
}
