// Small charts: a line or two, the value now, the least and the most. SVG, made by hand.

import { element, setText } from './elements.js';
import { duration } from './words.js';

const namespace = 'http://www.w3.org/2000/svg';
// In units of the drawing, which is stretched to the place there is.
const width = 120;
const height = 32;

/**
 * @typedef {object} Series
 * @property {string} name  of the history
 * @property {string} [label]  where there is more than one
 */

export class Chart {
  #value = element('span', { class: 'value' });
  #range = element('span', { class: 'range' });
  #drawing = document.createElementNS(namespace, 'svg');
  #paths;

  /**
   * @param {string} title
   * @param {Series[]} series
   * @param {(value: number) => string} format
   */
  constructor(title, series, format) {
    Object.assign(this, { title, series, format });
    this.#drawing.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#drawing.setAttribute('preserveAspectRatio', 'none');
    this.#drawing.setAttribute('role', 'img');
    this.#paths = series.map(() => {
      const path = document.createElementNS(namespace, 'path');
      this.#drawing.append(path);
      return path;
    });
    this.element = element(
      'figure', { class: 'chart' },
      element('figcaption', {}, element('span', { class: 'label' }, title), this.#value),
      this.#drawing, this.#range);
  }

  /** @param {import('./history.js').History} history */
  show(history) {
    const lines = this.series.map(({ name }) => history.series(name));
    const known = lines.flat().filter((value) => value !== undefined);
    const most = Math.max(0, ...known);
    // From zero, so that a line at half the height is half of the most.
    lines.forEach((line, at) => this.#paths[at].setAttribute('d', path(line, most)));
    setText(this.#value, this.#text(history));
    const range = known.length ? this.#between(Math.min(...known), most) : 'no samples yet';
    setText(this.#range, range);
    this.#drawing.setAttribute(
      'aria-label',
      `${this.title}: now ${this.#text(history)}; ${range} in the last ` +
        duration(history.seconds));
  }

  /** The least of two lines says nothing. */
  #between(least, most) {
    return this.series.length > 1
      ? `at most ${this.format(most)}`
      : `${this.format(least)} to ${this.format(most)}`;
  }

  #text(history) {
    return this.series
      .map(({ name, label }) => {
        const value = history.latest(name);
        const text = value === undefined ? '–' : this.format(value);
        return label ? `${label} ${text}` : text;
      })
      .join('  ');
  }
}

/** A line through the values, with gaps where there are none. The newest is at the right. */
function path(values, most) {
  const step = width / Math.max(1, values.length - 1);
  // The stroke has a width: it needs some room above and below.
  const y = (value) => height - 2 - (most > 0 ? value / most : 0) * (height - 4);
  return values
    .map((value, at) => {
      if (value === undefined) return '';
      const command = values[at - 1] === undefined ? 'M' : 'L';
      return `${command}${(at * step).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join('');
}
