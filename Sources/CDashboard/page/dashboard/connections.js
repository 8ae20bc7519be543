// The list of connections.

import { get } from './api.js';
import * as charts from './charts.js';
import { byId, element, say, setText } from './elements.js';
import { keepHistories, observe } from './history.js';
import { repeat } from './live.js';
import { observeUpload } from './upload.js';
import { closeReason, limitedBy, problemText, route, title } from './words.js';

/** Connections shown at once. */
const pageSize = 100;
/** Milliseconds between two looks. */
const interval = 1000;

const list = byId('connection-list');
const note = byId('connections-note');
const filter = byId('state-filter');

/** What is on the screen, by id: kept, so that nothing loses its focus. */
const cards = new Map();

/** The cursor of the page that is shown; none for the first. */
let after;
let next;

class Card {
  #link = element('a');
  #state = element('span', { class: 'badge' });
  #where = element('p', { class: 'quiet' });
  #peer = element('p', { class: 'quiet' });
  #limit = element('p', { class: 'limit' });
  #charts = charts.brief();

  constructor(id) {
    this.#link.href = `#/connections/${id}`;
    this.element = element(
      'li', { class: 'card connection' },
      element(
        'div', { class: 'who' },
        element('h3', {}, this.#link, ' ', this.#state), this.#limit, this.#where, this.#peer),
      element('div', { class: 'charts' }, ...this.#charts.map((chart) => chart.element)));
  }

  show(connection) {
    const { state, peer, transport } = connection;
    setText(this.#link, title(connection));
    setText(this.#state, state);
    this.#state.dataset.state = state;
    setText(this.#where, route(connection));
    setText(this.#peer, peer);
    const words = state === 'closed' ? closeReason(connection) : limitedBy(transport.limited_by);
    setText(this.#limit, words);
    const history = observe(connection);
    for (const chart of this.#charts) chart.show(history);
  }
}

function show({ connections, next_after: following }) {
  const ids = new Set(connections.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (ids.has(id)) continue;
    card.element.remove();
    cards.delete(id);
  }
  for (const connection of connections) {
    let card = cards.get(connection.id);
    if (!card) {
      card = new Card(connection.id);
      cards.set(connection.id, card);
      list.append(card.element);
    }
    card.show(connection);
    observeUpload(connection);
  }
  keepHistories(ids);
  next = following;
  showPages(connections.length);
}

function showPages(shown) {
  const kind = filter.value ? `${filter.value} ` : '';
  const number = `${shown} ${kind}connection${shown === 1 ? '' : 's'}`;
  let text = shown ? `${number}.` : `There is no ${kind}connection.`;
  if (next) text = `${number}, in the order they came. There are more.`;
  else if (after) text = `The last ${number}.`;
  say(note, text);
  byId('first-page').hidden = !after;
  byId('next-page').hidden = !next;
}

function path() {
  const query = new URLSearchParams({ limit: pageSize });
  if (filter.value) query.set('state', filter.value);
  if (after) query.set('after', after);
  return `/v1/connections?${query}`;
}

function failed(problem) {
  // The cursor of a gateway that was restarted.
  if (problem.status === 410) after = undefined;
  say(note, problemText(problem), true);
}

/** Shows the list from now on, and keeps it as it is; returns what ends that. */
export function openConnections() {
  let stop = start();
  const again = (change) => () => {
    change();
    stop();
    stop = start();
  };
  const controls = new AbortController();
  const on = (id, event, change) =>
    byId(id).addEventListener(event, again(change), { signal: controls.signal });
  on('state-filter', 'change', () => (after = undefined));
  on('first-page', 'click', () => (after = undefined));
  on('next-page', 'click', () => (after = next));
  return () => {
    controls.abort();
    stop();
  };
}

const start = () =>
  repeat(interval, async (signal) => show(await get(path(), signal)), failed);
