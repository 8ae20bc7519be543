// What is asked for again and again, while somebody looks.

import { Problem, Unreachable } from './api.js';
import { session } from './session.js';

/** Milliseconds from one failure to the next attempt. */
const retryPause = 1000;

/**
 * Runs `work` at once and then `pause` milliseconds after its end, again and again. While the page
 * is hidden nothing is asked for: what was being waited for is broken off, and begins anew when the
 * page is back.
 *
 * @param {(signal: AbortSignal) => Promise<boolean|void>} work  ends it all with `false`.
 * @param {(problem: Problem) => void} failed  shows what the gateway objected to.
 * @returns {() => void} ends it.
 */
export function repeat(pause, work, failed) {
  const ending = new AbortController();
  run(pause, work, failed, ending.signal);
  return () => ending.abort();
}

async function run(pause, work, failed, ended) {
  while (!ended.aborted) {
    await untilVisible(ended);
    if (ended.aborted) return;
    const signal = AbortSignal.any([ended, whileVisible()]);
    try {
      if ((await work(signal)) === false) return;
      await rest(pause, ended);
    } catch (error) {
      if (ended.aborted) return;
      if (!signal.aborted) await recover(error, failed, ended);
    }
  }
}

async function recover(error, failed, ended) {
  if (error instanceof Problem) {
    failed(error);
    // Nobody gave a token: not to be asked about again each second.
    if (error.status === 401) return until(session, 'change', ended);
    return rest(Math.max(retryPause, (error.retryAfter ?? 0) * 1000), ended);
  }
  if (!(error instanceof Unreachable)) reportError(error);
  return rest(retryPause, ended);
}

/** Resolves after the time, or earlier when `ended` is aborted. */
export function rest(milliseconds, ended) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      ended?.removeEventListener('abort', done);
      resolve();
    }
    ended?.addEventListener('abort', done);
  });
}

/** Resolves at the next event, or when `ended` is aborted. */
function until(target, event, ended) {
  return new Promise((resolve) => {
    const either = new AbortController();
    const done = () => {
      either.abort();
      resolve();
    };
    target.addEventListener(event, done, { signal: either.signal });
    ended.addEventListener('abort', done, { signal: either.signal });
  });
}

async function untilVisible(ended) {
  while (document.hidden && !ended.aborted) await until(document, 'visibilitychange', ended);
}

/** Aborted when the page is hidden. */
let visible = new AbortController();
document.addEventListener('visibilitychange', () => {
  if (document.hidden) visible.abort();
});

function whileVisible() {
  if (visible.signal.aborted) visible = new AbortController();
  return visible.signal;
}
