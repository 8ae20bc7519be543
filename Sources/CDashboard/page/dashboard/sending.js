// The forms that send text and files on a connection.

import { connectionPath, request } from './api.js';
import { byId, onSubmit, say } from './elements.js';
import { Upload, maximumUploads, uploadOn, uploadsUnderWay } from './upload.js';
import { bytes, problemText } from './words.js';

const text = byId('text');
const file = byId('file');
const progress = byId('progress');

/** The connection whose page is shown. */
let connection;

async function sendText() {
  const status = byId('text-status');
  const body = new TextEncoder().encode(text.value + (byId('line-end').checked ? '\n' : ''));
  if (!body.length) return say(status, 'There is no text to send.', true);
  say(status, 'Sending …');
  try {
    await request('POST', connectionPath(connection, '/data'), {
      body, headers: { 'Content-Type': 'application/octet-stream' },
    });
    say(status, `The gateway has taken ${bytes(body.length)}.`);
    text.value = '';
  } catch (error) {
    say(status, problemText(error), true);
  }
}

function sendFile() {
  const [chosen] = file.files;
  const objection = objectionTo(chosen);
  if (objection) return say(byId('file-status'), objection, true);
  watch(new Upload(connection, chosen));
}

function objectionTo(chosen) {
  if (!chosen) return 'Choose a file first.';
  if (!chosen.size) return 'The file is empty.';
  if (uploadsUnderWay() < maximumUploads) return undefined;
  return `${maximumUploads} files are on their way already: one of them has to be taken first.`;
}

function watch(upload) {
  const show = () => {
    // Its connection's page may have been left.
    if (uploadOn(connection) === upload) draw(upload);
  };
  upload.addEventListener('change', show);
  show();
}

function draw(upload) {
  progress.hidden = false;
  progress.max = upload.file.size;
  progress.value = upload.acknowledged;
  byId('send-file').disabled = !upload.isOver;
  byId('cancel-upload').hidden = !upload.needsPage;
  say(byId('file-status'), upload.text, upload.state === 'failed');
  // Once, and not for each percent.
  if (upload.isOver) byId('spoken').textContent = upload.text;
}

/** Shows the forms for a connection, with what is under way on it. */
export function openSending(id) {
  connection = id;
  for (const status of ['text-status', 'file-status']) say(byId(status), '');
  byId('send-file').disabled = false;
  byId('cancel-upload').hidden = true;
  progress.hidden = true;
  const upload = uploadOn(id);
  if (upload) draw(upload);
}

export function startSending() {
  onSubmit(byId('text-form'), sendText);
  onSubmit(byId('file-form'), sendFile);
  byId('cancel-upload').addEventListener('click', () => uploadOn(connection).cancel());
}
