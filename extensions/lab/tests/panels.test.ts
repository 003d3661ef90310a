import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Centre, Running } from '../src/centres/shape.ts';
import { age, kinds, left, looked, NOTHING_HEARD, options, ran } from '../src/centres/state.ts';
import { ago, standing, title } from '../src/centres/words.ts';
import type { Cluster } from '../src/clusters/shape.ts';
import * as clusters from '../src/clusters/state.ts';
import { most, silence, size } from '../src/clusters/words.ts';

const T = Date.parse('2026-11-25T08:00:00Z');
const NAMES = { en: 'East', zh: '东部中心' };
const SAID = { code: 'launch.queued', en: 'In the queue.', zh: '排队中。' };
const CENTRE: Centre = {
  id: 'east',
  names: NAMES,
  city: { en: 'Shanghai', zh: '上海' },
  state: 'ok',
  age: 2,
  problem: null,
  shares: [
    {
      id: 'main',
      names: NAMES,
      max_hours: 24,
      cores_total: 8,
      cores_free: 3,
      cards: [
        { kind: 'gpu', total: 1, free: 1 },
        { kind: 'dcu', total: 2, free: 0 }
      ],
      waiting: 0
    }
  ]
};
const LAUNCH: Running = {
  id: 'abcd1234',
  kind: 'kernel',
  name: 'k',
  here: 'child',
  names: NAMES,
  share: 'main',
  node: 'n1',
  stage: 'ready',
  stopping: false,
  seen: 'alive',
  said: SAID,
  cores: 1,
  seconds_left: 60
};
const CLUSTER: Cluster = {
  id: 'abcd1234',
  name: 'sea',
  names: NAMES,
  share: 'main',
  stage: 'ready',
  stopping: false,
  seen: 'alive',
  said: null,
  cores: 1,
  memory_mib: 2048,
  workers: 3,
  wanted: 4,
  minimum: null,
  maximum: null,
  pages: '',
  listens: true
};
const trans = {
  __: (text: string, ...values: string[]) =>
    values.reduce((all, one, n) => all.replace(`%${n + 1}`, one), text)
};
const nobody = { refused: null };

test('what is not answered stays as it was, and grows old', () => {
  const first = looked(NOTHING_HEARD, T, { answer: [CENTRE] }, { answer: [LAUNCH] });
  const then = looked(first, T + 9000, nobody, { answer: [] });
  assert.deepEqual([then.centres, then.running?.what, then.silent], [first.centres, [], { said: null }]);
  assert.equal(age(CENTRE, T, T + 9000), 11);
  assert.equal(age({ ...CENTRE, age: null }, T, T), null);
  assert.equal(looked(then, T, { answer: [] }, { answer: [] }).silent, null);
});

test('what is being stopped is until it is gone', () => {
  const state = { ...NOTHING_HEARD, stopping: new Set(['abcd1234', 'gone']) };
  assert.deepEqual([...ran(state, T, { answer: [LAUNCH] }).stopping], ['abcd1234']);
  assert.deepEqual([...ran(state, T, nobody).stopping], ['abcd1234', 'gone']);
  assert.equal(standing(LAUNCH, true, trans, 'en'), 'stopping');
  assert.equal(standing(LAUNCH, false, trans, 'en'), 'running');
  assert.equal(standing({ ...LAUNCH, stage: 'queued' }, false, trans, 'zh'), '排队中。');
});

test('time left is counted by the clock of the page, and never below nothing', () => {
  assert.equal(left(LAUNCH, T, T + 1000), 59_000);
  assert.equal(left(LAUNCH, T, T + 100_000), 0);
  assert.equal(left({ ...LAUNCH, seconds_left: null }, T, T), null);
});

test('a need is what was typed, in the digits of the broker', () => {
  const demand = { cores: '４ ', memory: '8', hours: '2', accelerator: '', accelerators: '1' };
  assert.deepEqual(options(demand), { cores: '4', memory: '8', hours: '2' });
  assert.deepEqual(options({ ...demand, accelerator: 'dcu' })['accelerators'], '1');
  assert.deepEqual(kinds([CENTRE, CENTRE]), ['dcu', 'gpu']);
});

test('how long ago, and what runs there', () => {
  assert.deepEqual(
    [0.4, 59, 60, 3599, 7200].map(seconds => ago(seconds, trans)),
    ['0 s ago', '59 s ago', '1 min ago', '59 min ago', '2 h ago']
  );
  assert.equal(title(LAUNCH, trans), 'Kernel');
  assert.equal(title({ kind: 'server', name: '', here: 'self' }, trans), 'This session');
  assert.equal(title({ kind: 'cluster', name: 'sea', here: 'other' }, trans), 'Dask cluster “sea”');
});

test('how large a cluster is, and that its kernel is silent', () => {
  assert.equal(size(CLUSTER, trans), 'workers: 3 of 4');
  const adaptive = { ...CLUSTER, wanted: null, minimum: 0, maximum: 8 };
  assert.deepEqual([size(adaptive, trans), most(adaptive)], ['workers: 3, adapting between 0 and 8', 8]);
  assert.equal(size({ ...CLUSTER, workers: null }, trans), 'number of workers not known yet');
  assert.equal(silence(CLUSTER, trans), null);
  assert.match(silence({ ...CLUSTER, listens: false }, trans) ?? '', /does not listen/);
  assert.equal(silence({ ...CLUSTER, listens: null }, trans), null);
});

test('sizes are whole numbers, the smaller first', () => {
  assert.deepEqual(clusters.sizeOf('４', null), { workers: 4 });
  assert.deepEqual(clusters.sizeOf('0', '8'), { minimum: 0, maximum: 8 });
  for (const [low, high] of [
    ['', null],
    ['-1', null],
    ['1.5', null],
    ['8', '2'],
    ['1', '']
  ] as const) {
    assert.equal(clusters.sizeOf(low, high), null);
  }
});

test('what is typed becomes code only where nothing is wrong with it', () => {
  const wish = { ...clusters.FIRST_WISH, name: ' sea ', workers: '８' };
  assert.equal(clusters.wrong(wish), null);
  assert.match(clusters.making(wish), /sampan\.cluster\(workers=8, cores=1, memory="2 GiB", name="sea"\)/);
  for (const [field, text] of [
    ['name', '"); import os'],
    ['name', '海'],
    ['workers', '0'],
    ['cores', 'x'],
    ['memory', '0'],
    ['memory', '1e9']
  ] as const) {
    assert.equal(clusters.wrong({ ...wish, [field]: text }), field);
  }
  assert.equal(clusters.joining('sea').split('\n')[2], 'client = sampan.dask_client("sea")');
});
