import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Later } from '../src/kernels/later.ts';
import type { News } from '../src/kernels/shape.ts';
import { word } from '../src/kernels/state.ts';

const WAITS: News = {
  launch: 'abcd',
  state: 'waits',
  seen: 'unknown',
  centre: 'east',
  code: 'launch.queued',
  en: 'Waits at East.',
  zh: '在东部等待。'
};
const RUNS: News = { ...WAITS, state: 'runs', seen: 'alive', code: 'launch.ready' };
const OVER: News = { ...WAITS, state: 'over', seen: 'ended', code: 'ended.walltime' };

test('one that waits is told, one that comes is told to who has waited', () => {
  assert.equal(word(null, WAITS), 'waits');
  assert.equal(word(WAITS, RUNS), 'came');
  assert.equal(word(null, RUNS), 'quiet');
  assert.equal(word(RUNS, RUNS), 'quiet');
});

test('an end is told, but not to who has ended it', () => {
  assert.equal(word(RUNS, OVER), 'over');
  assert.equal(word(WAITS, { ...OVER, code: 'launch.stopped' }), 'quiet');
});

test('a silence is told until it is over', () => {
  const silent: News = { ...RUNS, seen: 'unreachable' };
  assert.equal(word(RUNS, silent), 'away');
  assert.equal(word(silent, RUNS), 'quiet');
});

test('a second wait is told as the first one was', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const soon = new Later();
  let told = 0;
  const wait = (): void => soon.begin(() => told++, 10);
  wait();
  wait();
  soon.stop();
  context.mock.timers.tick(10);
  assert.equal(told, 0);
  wait();
  context.mock.timers.tick(10);
  assert.equal(told, 1);
  wait();
  context.mock.timers.tick(10);
  assert.equal(told, 2);
});
