import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Card, Found, Here, Place, Row } from '../src/catalogue/shape.ts';
import {
  choosing,
  found,
  kernelAt,
  leadsTo,
  linkTo,
  looking,
  missing,
  NOTHING_ASKED,
  opening,
  PAGE,
  read,
  size,
  spelled
} from '../src/catalogue/state.ts';
import { copying, facts, marks, place, verdict } from '../src/catalogue/words.ts';

const trans = {
  __: (text: string, ...parts: string[]) =>
    parts.reduce((said, part, at) => said.replace(`%${at + 1}`, part), text)
};
const T = Date.parse('2026-11-25T08:00:00Z');
const EAST = { en: 'East', zh: '东部' };
const WEST = { en: 'West', zh: '西部' };
const HERE: Here = { centre: 'east', own: 'east', names: EAST };
const REF = { provider: 'ocean', name: 'sst', version: '1.0' };
const ROW: Row = {
  ...REF,
  kind: 'dataset',
  title: { en: 'Temperature', zh: '气温' },
  summary: { en: '', zh: '' },
  status: 'published',
  generated: false,
  opens: 'elsewhere',
  where: [WEST]
};
const PLACE: Place = {
  centre: 'west',
  names: WEST,
  has: true,
  here: false,
  what: 'netCDF',
  state: 'online',
  bytes: 5_100_000,
  software: '',
  limits: null,
  reachable: true,
  checked_at: null,
  fault: null
};
const CARD: Card = {
  row: ROW,
  access: 'public',
  group: '',
  reason: null,
  description: null,
  subject: 'ocean',
  licence: 'CC0-1.0',
  citation: '',
  doi: '',
  variables: ['tos'],
  dimensions: ['time 12', 'lat 18'],
  picture: false,
  bbox: [],
  start: '',
  end: '',
  bytes: 5_100_000,
  uses: 0,
  plan: '',
  unit: '',
  versions: ['1.0'],
  places: [PLACE]
};
const KERNELS = [
  'python3',
  'sampan--cores-2--centre-west',
  'sampan--cores-2--software-openfoam',
  'sampan--cores-8'
];

function answer(total: number, count: number): { answer: Found } {
  return { answer: { total, rows: Array(count).fill(ROW), facets: [], instead: null, whole: true } };
}

test('an answer to what is not asked any more changes nothing', () => {
  const late = { text: 'a', chosen: {} };
  assert.equal(found(NOTHING_ASKED, 1, late, 0, answer(1, 1)), NOTHING_ASKED);
  const now = found(NOTHING_ASKED, 1, NOTHING_ASKED.query, 0, answer(1, 1));
  assert.equal(now.results?.rows.get(0), ROW);
});

test('pages come one after the other, and a new first page takes the place of all', () => {
  const { query } = NOTHING_ASKED;
  const first = found(NOTHING_ASKED, 1, query, 0, answer(120, PAGE));
  const second = found(first, 2, query, PAGE, answer(120, PAGE));
  assert.equal(second.results?.rows.size, 2 * PAGE);
  assert.equal(found(second, 3, query, 0, answer(3, 3)).results?.rows.size, 3);
  assert.deepEqual(missing(first.results, new Set([0]), 25, 45), [PAGE]);
  assert.deepEqual(missing(first.results, new Set([0, PAGE]), 25, 45), []);
  assert.deepEqual(missing(null, new Set(), 0, 10), []);
});

test('what was found stays while nobody answers', () => {
  const { query } = NOTHING_ASKED;
  const state = found(found(NOTHING_ASKED, 1, query, 0, answer(1, 1)), 2, query, 0, { refused: null });
  assert.equal(state.results?.total, 1);
  assert.deepEqual(state.silent, { said: null });
});

test('a choice is made and taken back', () => {
  const query = choosing({ text: 'a', chosen: { kind: 'model' } }, 'centre', 'west');
  assert.deepEqual(query.chosen, { kind: 'model', centre: 'west' });
  assert.deepEqual(choosing(query, 'kind', '').chosen, { centre: 'west' });
});

test('a name is spelled, read, and led to', () => {
  assert.equal(spelled(REF), 'ocean/sst@1.0');
  assert.deepEqual(read('ocean/sst@1.0'), REF);
  assert.deepEqual(read('ocean/sst'), { ...REF, version: '' });
  for (const wrong of ['', 'ocean', 'Ocean/sst', 'ocean/../x', 'ocean/sst@1"+evil()+"', 'ocean/sst@']) {
    assert.equal(read(wrong), null, wrong);
  }
  const link = new URL(linkTo(REF, 'https://hub.example', '/hub/', '/user/ann/'));
  assert.equal(link.pathname, '/hub/user-redirect/lab');
  assert.deepEqual(leadsTo(link.search), REF);
  assert.equal(new URL(linkTo(REF, 'https://a.example', '', '/x/')).pathname, '/x/lab');
  assert.equal(leadsTo('?reset'), null);
});

test('code names the entry and nothing else', () => {
  assert.match(opening(REF), /sampan\.open\("ocean\/sst@1\.0"\)/);
  assert.match(looking(REF), /sampan\.browse\("ocean\/sst@1\.0"\)/);
});

test('a kernel where it is, that has it', () => {
  assert.equal(kernelAt(PLACE, HERE, KERNELS), KERNELS[1]);
  assert.equal(kernelAt({ ...PLACE, centre: 'north' }, HERE, KERNELS), null);
  assert.equal(kernelAt({ ...PLACE, centre: 'east' }, HERE, KERNELS), 'python3');
  assert.equal(kernelAt({ ...PLACE, centre: '' }, HERE, KERNELS), 'python3');
  assert.equal(kernelAt({ ...PLACE, software: 'openfoam' }, HERE, KERNELS), KERNELS[2]);
  assert.equal(kernelAt({ ...PLACE, software: 'other' }, HERE, KERNELS), null);
  assert.equal(kernelAt({ ...PLACE, software: null }, HERE, KERNELS), null);
});

test('whether it opens here, and what it takes where not', () => {
  assert.equal(verdict(CARD, HERE, trans, 'en'), 'It lies at West, not here at East.');
  assert.equal(copying(CARD, HERE, trans, 'en'), 'Copy it to East: 5.1 MB would be moved.');
  assert.match(copying({ ...CARD, bytes: null }, HERE, trans, 'en'), /nobody has counted/);
  const shut: Card = { ...CARD, group: 'polar', row: { ...ROW, opens: 'closed' } };
  assert.match(verdict(shut, HERE, trans, 'en'), /the group “polar”/);
  const reason = { code: 'x', en: 'Its bytes have changed.', zh: '数据已变。' };
  const taken: Card = { ...CARD, reason, row: { ...ROW, opens: 'taken', status: 'quarantined' } };
  assert.equal(verdict(taken, HERE, trans, 'zh'), '数据已变。');
  assert.deepEqual(marks({ ...taken.row, generated: true }, trans), [
    'dataset',
    'in quarantine',
    'generated'
  ]);
});

test('an offer is taken at a start, and counted in its unit', () => {
  const offer: Card = {
    ...CARD,
    plan: 'light',
    unit: 'core-hour',
    row: { ...ROW, kind: 'offer', opens: 'nothing' }
  };
  assert.match(verdict(offer, HERE, trans, 'en'), /when a session or a kernel is started/);
  assert.deepEqual(new Map(facts(offer, trans)).get('Counted in'), 'core-hours');
});

test('what a centre has, and what else is known', () => {
  assert.equal(place(PLACE, T, trans, 'en'), 'netCDF · 5.1 MB');
  assert.equal(
    place({ ...PLACE, state: 'corrupt', reachable: false }, T, trans, 'en'),
    'netCDF · 5.1 MB · damaged · cannot be reached'
  );
  assert.equal(place({ ...PLACE, has: false }, T, trans, 'en'), 'not there');
  assert.deepEqual(facts({ ...CARD, uses: 2 }, trans).at(-1), ['Opened', '2 times']);
});

test('when it was looked at, and what was wrong with it then', () => {
  const fault = { code: 'x', en: 'Its bytes have changed.', zh: '数据已变。' };
  const looked = { ...PLACE, checked_at: T / 1000 - 120, fault };
  assert.equal(
    place(looked, T, trans, 'en'),
    'netCDF · 5.1 MB · looked at 2 min ago · Its bytes have changed.'
  );
});

test('bytes, for people', () => {
  assert.deepEqual([0, 999, 999_600, 1_410_000, 2e12].map(size), ['0 B', '999 B', '1 MB', '1.41 MB', '2 TB']);
});
