// The page of one connection.

import { connectionPath, get, request } from './api.js';
import * as charts from './charts.js';
import { byId, facts, onSubmit, say, setText } from './elements.js';
import { observe, retransmits } from './history.js';
import { Inbox } from './inbox.js';
import { repeat } from './live.js';
import { openSending, startSending } from './sending.js';
import { observeUpload } from './upload.js';
import * as words from './words.js';

/** Milliseconds between two looks. */
const interval = 1000;
/** What `DELETE` may wait for the peer: the most it allows. */
const drain = '30s';

const heading = byId('connection-title');
const status = byId('connection-status');

/** The id of the one that is shown. */
let shown;

function show(connection, drawings) {
  const isClosed = connection.state === 'closed';
  const name = words.title(connection);
  setText(heading, name);
  document.title = `${name} – LRP2P gateway`;
  say(status, summary(connection));
  const history = observe(connection);
  for (const drawing of drawings) drawing.show(history);
  facts(byId('connection-facts'), told(connection));
  byId('send-forms').hidden = isClosed || !connection.send;
  byId('send-closed').hidden = !byId('send-forms').hidden;
  byId('close-form').hidden = isClosed;
  byId('abort-form').hidden = isClosed;
  byId('remove-form').hidden = !isClosed;
  observeUpload(connection);
}

function summary({ state, opened_at: opened, closed_at: closed, ...rest }) {
  const end = closed ? new Date(closed) : new Date();
  const seconds = Math.max(0, (end - new Date(opened)) / 1000);
  if (state === 'closed') {
    return `Closed: ${words.closeReason(rest)}. It was open for ${words.duration(seconds)}.`;
  }
  return `Open for ${words.duration(seconds)}; ${words.limitedBy(rest.transport.limited_by)}.`;
}

function told(connection) {
  const { send, receive, rtt, transport } = connection;
  const seconds = (value) => (value === undefined ? undefined : words.milliseconds(value));
  return [
    ['Peer', connection.peer],
    ['Public key', connection.public_key],
    ['Made by', connection.direction === 'inbound' ? 'the peer' : 'this gateway'],
    ['Address of the peer', connection.remote_address],
    ['Address here', connection.local_address],
    ['Opened', words.dateAndTime(new Date(connection.opened_at))],
    ['Protocol', connection.protocol],
    ['Application protocol', connection.application_protocol],
    ['Taken for sending', send && words.bytes(send.accepted_offset)],
    ['Acknowledged by the peer', send && words.bytes(send.acknowledged_offset)],
    ['Received', words.bytes(receive.received_offset)],
    ['Acknowledged here', words.bytes(receive.acknowledged_offset)],
    ['Readers here', receive.readers.map((reader) => reader.name ?? 'without a name').join(', ')],
    ['Least RTT', seconds(rtt?.minimum_seconds)],
    ['RTT variation', seconds(rtt?.variation_seconds)],
    ...ofTransport(transport),
  ];
}

function ofTransport(transport) {
  if (!transport) return [];
  const causes = Object.entries(transport.retransmits)
    .filter(([, packets]) => packets > 0)
    .map(([cause, packets]) => `${words.count(packets)} by ${cause.replaceAll('_', ' ')}`);
  const total = words.count(retransmits(transport));
  return [
    ['Congestion control', transport.congestion_control],
    ['Datagrams of', words.bytes(transport.datagram_bytes)],
    ['Packets sent', words.count(transport.packets_sent)],
    ['Packets received', words.count(transport.packets_received)],
    ['Retransmits', causes.length ? `${total}: ${causes.join(', ')}` : total],
    ['Spurious retransmits', words.count(transport.spurious_retransmits)],
    ['Duplicates received', words.count(transport.duplicates_received)],
    ['Key phase', words.count(transport.key_phase)],
  ];
}

/** Shows one connection from now on, and keeps it as it is; returns what ends that. */
export function openConnection(id) {
  shown = id;
  setText(heading, 'Connection');
  say(status, '');
  say(byId('end-status'), '');
  byId('acknowledge-status').textContent = '';
  const body = byId('connection-body');
  body.hidden = true;
  openSending(id);
  const drawings = charts.complete();
  byId('connection-charts').replaceChildren(...drawings.map((drawing) => drawing.element));
  let inbox;
  const stop = repeat(interval, async (signal) => {
    show(await get(connectionPath(id), signal), drawings);
    body.hidden = false;
    inbox ??= new Inbox(id);
  }, (problem) => {
    say(status, words.problemText(problem), true);
    if (problem.status !== 404) return;
    body.hidden = true;
    stop();
  });
  return () => {
    stop();
    inbox?.close();
  };
}

/** Ends the connection, or removes one that has ended. */
async function remove(query, during, after) {
  const id = shown;
  const note = byId('end-status');
  say(note, during);
  let text = after, isError = false;
  try {
    await request('DELETE', connectionPath(id, query));
  } catch (error) {
    [text, isError] = [words.problemText(error), true];
  }
  if (id !== shown) return;
  say(note, text, isError);
  if (!isError && !after) location.hash = '#/';
}

export function startConnection() {
  startSending();
  onSubmit(byId('close-form'), () =>
    remove(`?drain=${drain}`, 'Closing, when the peer has all of it …', 'It is closed.'));
  onSubmit(byId('abort-form'), () =>
    remove('?abort=true', 'Closing …', 'It is closed; what was on its way is lost.'));
  onSubmit(byId('remove-form'), () => remove('', 'Removing …', ''));
}
