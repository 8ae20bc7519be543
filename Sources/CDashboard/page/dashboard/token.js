// The dialog that asks for a token, and the button that forgets it.

import { Problem, request } from './api.js';
import { byId, onSubmit, say } from './elements.js';
import { onTokenNeeded, session } from './session.js';

const dialog = byId('token-dialog');
const input = byId('token');
const status = byId('token-status');

/** Settled when the dialog closes: everyone who needs a token waits for the same one. */
let asked;

function ask(problem) {
  asked ??= new Promise((resolve, reject) => {
    say(status, problem.code === 'invalid_token' ? refusal(problem) : '', true);
    input.value = '';
    dialog.showModal();
    dialog.addEventListener('close', () => {
      asked = undefined;
      if (dialog.returnValue === 'given') return resolve();
      // The way back to this dialog.
      byId('give-token').hidden = false;
      reject(problem);
    }, { once: true });
  });
  return asked;
}

function refusal(error) {
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : '';
  switch (error.code) {
    case 'invalid_token':
      return 'The gateway does not know this token. It has to be one of its token file, ' +
        'without the name and the scopes that stand before it there.';
    case 'insufficient_scope':
      return 'The gateway knows this token, but it is not for reading. This page needs one ' +
        'with the scope “read”, and “write” to connect, send and close.';
    case 'rate_limited':
      return `${error.message}${wait}`;
    default:
      return error.message;
  }
}

/** A token is kept only if the gateway takes it. */
async function submit() {
  const token = input.value.trim();
  // RFC 6750 §2.1.
  if (!/^[\w.~+/-]+=*$/.test(token)) {
    say(status, 'A token has letters, digits and - . _ ~ + / =, and nothing else.', true);
    return input.select();
  }
  say(status, 'Trying it …');
  try {
    await request('GET', '/v1/node', { token });
  } catch (error) {
    say(status, refusal(error), true);
    return input.select();
  }
  session.token = token;
  dialog.close('given');
}

function showControls() {
  byId('forget-token').hidden = !session.token;
  if (session.token) byId('give-token').hidden = true;
}

export function startTokens() {
  onTokenNeeded(ask);
  onSubmit(byId('token-form'), submit);
  byId('token-later').addEventListener('click', () => dialog.close('later'));
  // Escape leaves the value of the last time.
  dialog.addEventListener('cancel', () => (dialog.returnValue = 'later'));
  byId('give-token').addEventListener('click', () =>
    ask(new Problem(401, { code: 'token_required' })).catch(() => {}));
  byId('forget-token').addEventListener('click', () => {
    session.token = undefined;
    // What was shown was shown to the holder of the token.
    location.reload();
  });
  session.addEventListener('change', showControls);
  showControls();
}
