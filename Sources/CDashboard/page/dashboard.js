// The page of a gateway. It is a client of the gateway's HTTP interface as any other one, and has
// the rights of the token that is typed in.
//
// Each part is a module in dashboard/. What is shown follows the part of the address after `#`: it
// is `/`, or `/connections/ID`.

import { startConnecting } from './dashboard/connect.js';
import { openConnection, startConnection } from './dashboard/connection.js';
import { openConnections } from './dashboard/connections.js';
import { byId } from './dashboard/elements.js';
import { startEvents } from './dashboard/events.js';
import { startHealth } from './dashboard/health.js';
import { loadNode } from './dashboard/node.js';
import { session } from './dashboard/session.js';
import { startTokens } from './dashboard/token.js';

/** Ends what is shown. */
let close = () => {};

function open() {
  close();
  const id = location.hash.match(/^#\/connections\/([^/]+)$/)?.[1];
  byId('overview').hidden = id !== undefined;
  byId('connection').hidden = id === undefined;
  if (id !== undefined) {
    close = openConnection(id);
  } else {
    document.title = 'LRP2P gateway';
    close = openConnections();
  }
}

/** As a browser does with a new document, so that keyboards and screen readers begin at its top. */
function arrive() {
  scrollTo(0, 0);
  byId(byId('overview').hidden ? 'connection-title' : 'overview-title').focus();
}

byId('missing').remove();
startTokens();
startHealth(loadNode);
startConnecting();
startConnection();
startEvents();
session.addEventListener('change', loadNode);
addEventListener('hashchange', () => {
  open();
  arrive();
});
loadNode();
open();
