// What the gateway tells in words for programs, in words for people.

const limits = {
  network: 'as fast as the network takes it',
  peer_window: 'waiting for the peer to read',
  local_reader: 'nobody here reads what arrives',
  application: 'nothing to send',
};

/** What holds the connection back; `limited_by` in its document. */
export const limitedBy = (word) => limits[word] ?? word;

const reasons = {
  local: 'closed here',
  finished: 'both sides had finished',
  reset: 'closed by the peer',
  stateless_reset: 'the peer has forgotten it, as after a restart',
  protocol_violation: 'the peer broke the rules of the protocol',
  idle_timeout: 'nothing was heard of the peer for too long',
  sequence_exhausted: 'its sequence numbers were used up',
  gateway_restart: 'this gateway was restarted',
};

/** Why a connection is closed, from its document, an event or a problem. */
export function closeReason({ close_reason: reason, reset_code: code }) {
  const words = reasons[reason] ?? reason ?? 'closed';
  return code ? `${words}, with the code ${code}` : words;
}

const events = {
  connected: (event) =>
    event.direction === 'inbound'
      ? `A peer has connected from ${event.remote_address}`
      : `Connected to ${event.remote_address}`,
  data: () => 'There is something to read',
  finished: () => 'The peer has finished: nothing more will arrive',
  address_changed: (event) => `The peer has moved to ${event.remote_address}`,
  closed: (event) => `Closed: ${closeReason(event)}`,
};

export const eventText = (event) => events[event.type]?.(event) ?? event.type;

/** Who made the connection, and where the peer is. */
export const route = ({ direction, remote_address: address }) =>
  direction === 'inbound' ? `From ${address}` : `To ${address}`;

/** What to call a connection: the name it was given here, or its peer. */
export const title = ({ name, peer }) => name ?? `Peer ${peer.slice(0, 8)}…`;

const number = (value, digits) =>
  value.toLocaleString('en', { maximumFractionDigits: digits });

/** Three significant digits or so: what can be read while it changes. */
const rounded = (value) => number(value, value < 10 ? 2 : value < 100 ? 1 : 0);

function binary(count, one) {
  const units = [one, 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(count) / 10));
  return `${rounded(count / 1024 ** power)} ${units[power]}`;
}

export const bytes = (count) => binary(count, count === 1 ? 'byte' : 'bytes');

export const rate = (bytesPerSecond) => `${binary(bytesPerSecond, 'B')}/s`;

export const count = (value) => number(value, 0);

export const perSecond = (value) => `${rounded(value)}/s`;

/** A round-trip time. */
export const milliseconds = (seconds) => `${rounded(seconds * 1000)} ms`;

/** How long something has lasted, to two units. */
export function duration(seconds) {
  const units = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]];
  const first = units.findIndex(([, length]) => seconds >= length);
  if (first < 0) return '0 s';
  return units
    .slice(first, first + 2)
    .map(([unit, length], at) => {
      const rest = at === 0 ? seconds : seconds % units[first][1];
      return `${Math.floor(rest / length)} ${unit}`;
    })
    .filter((part, at) => at === 0 || !part.startsWith('0 '))
    .join(' ');
}

export const timeOfDay = (date) => date.toLocaleTimeString('en-GB');

export const dateAndTime = (date) => date.toLocaleString('en-GB');

// Where the page can say more than the gateway, whose `detail` is the rule.
const problems = {
  handshake_timeout: (problem) =>
    `${problem.detail} Is a gateway running there, and is this the port of its UDP socket? ` +
    'A firewall on the way has to let UDP through.',
  peer_mismatch: (problem) =>
    `${problem.detail} If you trust the peer that answered, connect with its id.`,
  insufficient_scope: (problem) =>
    `Your token may not do this. ${problem.detail}`,
  connection_closed: (problem) =>
    `The connection is closed: ${closeReason(problem)}. ` +
    `The peer has acknowledged ${bytes(problem.acknowledged_offset ?? 0)} of it in all.`,
  unknown_connection: () =>
    'There is no such connection any more: it was removed after it closed, or the gateway was ' +
    'restarted.',
  spool_failing: (problem) =>
    `${problem.detail} Peers wait, and nothing is lost: make room on the disk, or see what it has.`,
  shutting_down: () =>
    'The gateway is about to stop: it makes no new connections, and ends those there are.',
};

/** An error of `api.js`, for people. */
export function problemText(error) {
  return problems[error.code]?.(error) ?? error.message;
}
