/** What the Centres panel knows: values in, values out. */
import type { Said } from '../session/shape.ts';
import type { Told } from '../wire.ts';
import type { Answer, Centre, Running } from './shape.ts';

/** What was heard, and when by the page's own clock (ms). */
export interface Heard<T> {
  readonly what: T;
  readonly at: number;
}

export interface State {
  readonly centres: Heard<readonly Centre[]> | null;
  readonly running: Heard<readonly Running[]> | null;
  /** Nobody, or only a refusal, came of the last look. */
  readonly silent: { readonly said: Said | null } | null;
  /** Launches whose end was asked for here; until that is seen. */
  readonly stopping: ReadonlySet<string>;
  readonly answer: Told<Answer> | 'asked' | null;
}

export const NOTHING_HEARD: State = {
  centres: null,
  running: null,
  silent: null,
  stopping: new Set(),
  answer: null
};

/** The state after one more look at both; what was not answered stays as it was, and grows old. */
export function looked(
  state: State,
  at: number,
  centres: Told<readonly Centre[]>,
  running: Told<readonly Running[]>
): State {
  const refused = 'refused' in centres ? centres : 'refused' in running ? running : null;
  return {
    ...state,
    centres: 'answer' in centres ? { what: centres.answer, at } : state.centres,
    ...ran(state, at, running),
    silent: refused === null ? null : { said: refused.refused }
  };
}

/** What one more look at the launches changes. */
export function ran(
  state: State,
  at: number,
  running: Told<readonly Running[]>
): Pick<State, 'running' | 'stopping'> {
  if ('refused' in running) {
    return { running: state.running, stopping: state.stopping };
  }
  const there = new Set(running.answer.map(one => one.id));
  return {
    running: { what: running.answer, at },
    stopping: new Set([...state.stopping].filter(id => there.has(id)))
  };
}

/** How old a centre's figures are now, in seconds; null where there never were any. */
export function age(centre: Centre, heardAt: number, now: number): number | null {
  return centre.age === null ? null : centre.age + Math.max(0, now - heardAt) / 1000;
}

/** Milliseconds that a launch has left now; null where nobody set an end, or it has not begun. */
export function left(one: Running, heardAt: number, now: number): number | null {
  return one.seconds_left === null ? null : Math.max(0, 1000 * one.seconds_left - Math.max(0, now - heardAt));
}

/** The kinds of accelerators that any centre has, each once. */
export function kinds(centres: readonly Centre[]): string[] {
  const found = centres.flatMap(centre =>
    centre.shares.flatMap(share => share.cards.map(cards => cards.kind))
  );
  return [...new Set(found)].sort();
}

/** What a person fills in. Everything is text, as it was typed. */
export interface Demand {
  readonly cores: string;
  readonly memory: string;
  readonly hours: string;
  readonly accelerator: string;
  readonly accelerators: string;
}

export const FIRST_DEMAND: Demand = {
  cores: '2',
  memory: '4',
  hours: '2',
  accelerator: '',
  accelerators: '1'
};

/** The broker's options for it. Digits as Chinese keyboards type them are digits; what is no number the broker refuses. */
export function options(demand: Demand): Record<string, string> {
  const { accelerator, accelerators, ...rest } = demand;
  const wanted = accelerator === '' ? rest : { ...rest, accelerator, accelerators };
  return Object.fromEntries(
    Object.entries(wanted).map(([field, text]) => [field, text.normalize('NFKC').trim()])
  );
}
