// The log of what has happened since the page was opened.

import { request } from './api.js';
import { byId, element, say } from './elements.js';
import { repeat } from './live.js';
import { eventText, problemText, timeOfDay, title } from './words.js';

/** Lines that are kept. */
const maximumLines = 200;
/** Milliseconds between two answers, so that what happens often comes in batches. */
const pause = 200;
/** How long the gateway may wait for an event: the most it allows. */
const wait = '60s';

const list = byId('event-list');
const status = byId('events-status');

/** The cursor to go on from; none before the first answer. */
let after;

function add(date, ...content) {
  const time = element('time', { datetime: date.toISOString() }, timeOfDay(date));
  list.prepend(element('li', {}, time, ' ', ...content));
  while (list.childElementCount > maximumLines) list.lastElementChild.remove();
}

function addEvent(event) {
  const link = element('a', { href: `#/connections/${event.connection}` }, title(event));
  add(new Date(event.time), eventText(event), ' ', element('span', { class: 'quiet' }, link));
}

async function follow(signal) {
  const query = after ? `?after=${encodeURIComponent(after)}&wait=${wait}` : '';
  const { headers, body } = await request('GET', `/v1/events${query}`, { signal });
  after = headers.get('Next-After');
  for (const event of body.events ?? []) addEvent(event);
  say(status, list.childElementCount ? '' : 'Nothing yet, since the page was opened.');
}

function failed(problem) {
  if (problem.code !== 'events_missed') return say(status, problemText(problem), true);
  after = problem.earliest;
  add(new Date(), 'Some events were missed: there were too many, or the gateway was restarted.');
}

export function startEvents() {
  repeat(pause, follow, failed);
}
