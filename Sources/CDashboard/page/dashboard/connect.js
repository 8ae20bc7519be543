// The form that connects to a peer.

import { Problem, postJSON } from './api.js';
import { byId, onSubmit, say } from './elements.js';
import { problemText } from './words.js';

const form = byId('connect-form');
const status = byId('connect-status');

/** The members of the request are the names of the fields; what is empty is left out. */
function members() {
  const entries = [...new FormData(form)].map(([name, value]) => [name, value.trim()]);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

function mark(name) {
  for (const field of form.querySelectorAll('input')) {
    field.setAttribute('aria-invalid', field.name === name);
  }
  form.elements[name]?.focus();
}

async function connect() {
  const target = members();
  mark();
  say(status, `Connecting to ${target.address} …`);
  try {
    const { body } = await postJSON('/v1/connections', target);
    say(status, '');
    form.reset();
    location.hash = `#/connections/${body.id}`;
  } catch (error) {
    say(status, problemText(error), true);
    if (error instanceof Problem) mark(error.field);
  }
}

export function startConnecting() {
  onSubmit(form, connect);
}
