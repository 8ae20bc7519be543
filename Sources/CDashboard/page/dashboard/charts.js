// The charts of a connection, in the list and on its own page.

import { Chart } from './chart.js';
import { bytes, milliseconds, perSecond, rate } from './words.js';

const throughput = [{ name: 'sent', label: '↑' }, { name: 'received', label: '↓' }];

/** The four that tell how a connection is doing. */
export const brief = () => [
  new Chart('RTT', [{ name: 'rtt' }], milliseconds),
  new Chart('Congestion window', [{ name: 'window' }], bytes),
  new Chart('Throughput', throughput, rate),
  new Chart('Retransmits', [{ name: 'retransmits' }], perSecond),
];

export const complete = () => [
  new Chart('Round-trip time, smoothed', [{ name: 'rtt' }], milliseconds),
  new Chart('Throughput, sent ↑ and received ↓', throughput, rate),
  new Chart('Congestion window', [{ name: 'window' }], bytes),
  new Chart('In flight', [{ name: 'inFlight' }], bytes),
  new Chart('Room at the peer', [{ name: 'peerWindow' }], bytes),
  new Chart('Retransmitted packets', [{ name: 'retransmits' }], perSecond),
];
