import assert from 'node:assert/strict';
import { test } from 'node:test';

import { minutesIn } from '../src/session/minutes.ts';
import type { Session } from '../src/session/shape.ts';
import { due, next, NOTHING_HEARD, pause, type Heard, type State } from '../src/session/state.ts';
import { clock, line, meaning, span } from '../src/session/words.ts';

const SESSION: Session = {
  launch: 'abcd1234',
  tag: 'sampan-h-abcd1234-1',
  centre: 'east',
  names: { en: 'East', zh: '东部中心' },
  share: 'normal',
  node: 'n1',
  seconds_left: 3600,
  warn_seconds: 600,
  minutes: 60,
  most_minutes: 1440,
  idle_seconds_left: null,
  asked: true,
  seen: 'alive',
  seen_since: null,
  said: null,
  may_move_on: true,
  moving: null,
  end_key: 'k'
};
const CUT = { code: 'link.cut', en: 'Cut.', zh: '断开。' };
const T = Date.parse('2026-11-25T08:00:00Z');
const trans = {
  __: (text: string, ...values: string[]) =>
    values.reduce((all, one, n) => all.replace(`%${n + 1}`, one), text)
};

function after(...heard: Heard[]): State {
  return heard.reduce(next, NOTHING_HEARD);
}
const server = (changes: Partial<Session> = {}, at = T): Heard => ({
  from: 'server',
  at,
  session: { ...SESSION, ...changes }
});
const door = (code: string, at = T, since: number | null = null): Heard => ({
  from: 'door',
  at,
  said: { ...CUT, code },
  since
});

test('a server that answers is alive, and its time is counted by the clock of the page', () => {
  const state = after(server());
  assert.equal(state.answer, 'alive');
  assert.equal(state.endsAt, T + 3_600_000);
});

for (const [code, answer] of [
  ['link.cut', 'unreachable'],
  ['launch.unreachable', 'unreachable'],
  ['launch.unknown', 'unknown'],
  ['ended.time', 'ended'],
  ['launch.stopped', 'ended'],
  ['launch.queued', 'starting']
] as const) {
  test(`the door's ${code} is ${answer}`, () => {
    assert.equal(after(server(), door(code)).answer, answer);
  });
}

test('one silence has one beginning, and the time goes on', () => {
  const state = after(server(), { from: 'nobody', at: T + 1000 }, { from: 'nobody', at: T + 9000 });
  assert.deepEqual([state.answer, state.since, state.endsAt], ['unreachable', T + 1000, T + 3_600_000]);
});

test('the beginning that somebody names is believed', () => {
  assert.equal(after(server(), door('launch.cut', T, T - 60_000)).since, T - 60_000);
});

test('nobody answers: that ends nothing, and unends nothing', () => {
  assert.equal(after(server(), { from: 'nobody', at: T }).answer, 'unreachable');
  const ended = after(server(), door('ended.time'), { from: 'hub', at: T }, { from: 'nobody', at: T });
  assert.equal(ended.answer, 'ended');
  assert.equal(ended.said?.code, 'ended.time');
});

test('it heals', () => {
  const state = after(server(), door('link.cut'), server());
  assert.deepEqual([state.answer, state.since, state.said], ['alive', null, null]);
});

test('another attempt in the same place is noticed', () => {
  assert.equal(after(server(), door('link.cut'), server()).replaced, false);
  assert.equal(after(server(), door('launch.queued'), server({ tag: 'sampan-h-abcd1234-2' })).replaced, true);
});

test('warnings come once each, in their time', () => {
  const state = after(server());
  const at = (left: number) => T + 3_600_000 - 1000 * left;
  assert.equal(due(state, at(601), new Set()), null);
  assert.equal(due(state, at(600), new Set()), 'time');
  assert.equal(due(state, at(600), new Set(['time'])), null);
  assert.equal(due(state, at(120), new Set(['time'])), 'time-last');
  assert.equal(due(state, at(0), new Set(['time', 'time-last'])), null);
});

test('who is idle is told, and who moves on is told nothing more', () => {
  assert.equal(due(after(server({ idle_seconds_left: 500 })), T, new Set()), 'idle');
  assert.equal(due(after(server({ seconds_left: 30, moving: CUT })), T, new Set()), null);
  assert.equal(due(after(server({ seconds_left: null })), T, new Set()), null);
});

test('looks are rare while all is well, and rarer while nobody looks', () => {
  assert.ok(pause(after(server()), true) > pause(after(server()), false));
  assert.ok(pause(after(door('link.cut')), false) < pause(after(server()), false));
});

test('lengths of time', () => {
  assert.equal(span(5_000_000, trans), '1 h 23 min');
  assert.equal(span(1_500_000, trans), '25 min');
  assert.equal(span(599_000, trans), '9:59');
  assert.equal(span(-5, trans), '0:00');
});

test('the line says where, how and how long', () => {
  assert.equal(line(after(server()), T, trans, 'en'), 'East · 1 h 0 min left');
  assert.equal(line(after(server({ seconds_left: null })), T, trans, 'zh'), '东部中心');
  const cut = after(server(), door('link.cut', T));
  assert.equal(line(cut, T, trans, 'en'), `East · unreachable since ${clock(T, T, 'en')} · 1 h 0 min left`);
  assert.equal(meaning(cut, T, trans, 'zh'), '断开。');
});

test('an end is told with its cause, also when that is known a moment later', () => {
  const ended = after(server(), { from: 'hub', at: T });
  assert.equal(line(ended, T, trans, 'en'), 'East · ended');
  assert.equal(meaning(ended, T, trans, 'en'), 'Your session has ended. Files that were saved are kept.');
  const told = next(ended, door('ended.time', T, T - 5000));
  assert.equal(line(told, T, trans, 'en'), 'East · ended · Cut.');
  assert.equal(meaning(told, T, trans, 'en'), 'Your session has ended. Cut. Files that were saved are kept.');
  assert.equal(next(told, { from: 'hub', at: T }).said?.code, 'ended.time');
});

test('what is being stopped does not start', () => {
  assert.equal(line(after(server(), door('launch.stopping')), T, trans, 'en'), 'East · stopping');
});

test('a length is whole minutes within what the centre has', () => {
  for (const [text, minutes] of [
    ['90', 90],
    [' 1 ', 1],
    ['１２０', 120],
    ['1440', 1440]
  ] as const) {
    assert.equal(minutesIn(text, 1440, trans), minutes);
  }
  for (const wrong of ['', '0', '-5', '1.5', '1e3', 'an hour', '9'.repeat(40)]) {
    assert.equal(minutesIn(wrong, 1440, trans), 'Type a whole number of minutes, 1 or more.');
  }
  assert.equal(minutesIn('1441', 1440, trans), 'Sessions at this centre last 1440 minutes at most.');
});
