// This gateway: who it is, and where peers reach it.

import { get } from './api.js';
import { byId, copyable, element, facts, say } from './elements.js';
import { dateAndTime, problemText } from './words.js';

function show(node) {
  byId('peer-id').replaceChildren(copyable(node.peer_id, 'the peer id'));
  byId('addresses').replaceChildren(
    ...node.udp_addresses.map((address) =>
      element('li', {}, copyable(address, `the address ${address}`))));
  facts(byId('node-facts'), [
    ['Version', node.version],
    ['Running since', dateAndTime(new Date(Date.now() - node.uptime_seconds * 1000))],
  ]);
}

/** Asks once: nothing of this changes but by a restart. */
export async function loadNode() {
  try {
    show(await get('/v1/node'));
    say(byId('node-status'), '');
  } catch (error) {
    say(byId('node-status'), problemText(error), true);
  }
}
