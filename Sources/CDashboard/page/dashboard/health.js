// The banner: whether there is a gateway at all, and whether it is well.

import { Problem, get, traffic } from './api.js';
import { byId, setText } from './elements.js';
import { repeat } from './live.js';
import { problemText, timeOfDay } from './words.js';

/** Milliseconds between two looks at `/readyz`. */
const interval = 3000;

let silentSince;
let ailment = '';

function show() {
  const text = silentSince
    ? `The gateway has not answered since ${timeOfDay(silentSince)}; trying again.`
    : ailment;
  setText(byId('banner'), text);
}

/** Watches over the gateway; `recovered` is called when it answers again. */
export function startHealth(recovered) {
  traffic.addEventListener('unanswered', () => {
    silentSince ??= new Date();
    show();
  });
  traffic.addEventListener('answered', () => {
    if (!silentSince) return;
    silentSince = undefined;
    show();
    recovered();
  });
  repeat(interval, async (signal) => {
    try {
      await get('/readyz', signal);
      ailment = '';
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      ailment = problemText(error);
    }
    show();
  });
}
