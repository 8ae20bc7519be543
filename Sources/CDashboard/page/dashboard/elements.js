// Small tools for the document. Text is set as text everywhere: what peers send and are called is
// theirs to choose, and never becomes markup.

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);

/** Makes an element; children are elements or text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** Sets text that has changed: the same text again would undo a selection. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows an entry of a `dl`, or leaves it out when there is nothing to tell. */
export function facts(list, entries) {
  const told = entries.filter(([, value]) => value !== undefined && value !== '');
  const terms = [...list.querySelectorAll('dt')];
  const same =
    terms.length === told.length && terms.every((term, at) => term.textContent === told[at][0]);
  if (!same) {
    list.replaceChildren(
      ...told.map(([name]) => element('div', {}, element('dt', {}, name), element('dd'))));
  }
  const values = list.querySelectorAll('dd');
  told.forEach(([, value], at) => setText(values[at], value));
}

/** Text with a button that copies it. `what` is what a screen reader calls it. */
export function copyable(text, what) {
  const shown = element('code', {}, text);
  const button = element('button', { type: 'button', 'aria-label': `Copy ${what}` }, 'Copy');
  button.addEventListener('click', async () => {
    const said = (await copy(text, shown)) ? 'Copied' : 'Selected: press Ctrl+C';
    button.textContent = said;
    byId('spoken').textContent = `${said}: ${what}`;
    button.addEventListener('blur', () => (button.textContent = 'Copy'), { once: true });
  });
  return element('span', { class: 'copyable' }, shown, button);
}

/** The clipboard is only there in a secure context; elsewhere the text is selected instead. */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(shown);
    return false;
  }
}

/** A form's answer to its last submission, beside its button. */
export function say(target, text, isError = false) {
  target.classList.toggle('error', isError);
  setText(target, text);
}

/** Runs `work` for each submission, with one under way at a time; the page stays where it is. */
export function onSubmit(form, work) {
  let isBusy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    form.setAttribute('aria-busy', 'true');
    try {
      await work();
    } finally {
      isBusy = false;
      form.removeAttribute('aria-busy');
    }
  });
}
