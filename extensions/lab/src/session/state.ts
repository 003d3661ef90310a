/**
 * What a page knows of its session: values in, values out. Which of the four answers holds, since when, and until when.
 *
 * An answer that did not come is no bad answer: nothing is called ended without somebody's word for it.
 */
import type { Said, Session } from './shape.ts';

/** The four answers, and a session that is (again) on its way. */
export type Answer = 'alive' | 'ended' | 'unknown' | 'unreachable' | 'starting';

/** What came of one look, at a moment of the page's own clock (ms). */
export type Heard =
  | { readonly from: 'server'; readonly at: number; readonly session: Session }
  /** The door says why there is no server behind it just now; or the broker, in the door's place, how it has ended. */
  | { readonly from: 'door'; readonly at: number; readonly said: Said; readonly since: number | null }
  /** The hub says that it runs no such server. */
  | { readonly from: 'hub'; readonly at: number }
  /** The server does not know who looks: the login has run out, or another server has taken this one's place. */
  | { readonly from: 'stranger'; readonly at: number }
  | { readonly from: 'nobody'; readonly at: number };

export interface State {
  readonly answer: Answer;
  /** Moment (ms) since when; null where that is of no interest. */
  readonly since: number | null;
  /** What Sampan says about it. */
  readonly said: Said | null;
  /** The session as it was when it was last heard. */
  readonly session: Session | null;
  /** When its time is over, by the page's own clock (ms). */
  readonly endsAt: number | null;
  /** When it is ended for being idle, likewise. */
  readonly idleEndsAt: number | null;
  /** Another attempt answers in the place of the one that this page was loaded from. */
  readonly replaced: boolean;
  readonly loggedOut: boolean;
}

export const NOTHING_HEARD: State = {
  answer: 'starting',
  since: null,
  said: null,
  session: null,
  endsAt: null,
  idleEndsAt: null,
  replaced: false,
  loggedOut: false
};

/** What a door's sentence means for who looks; ends by their kind, and a start for all others. */
const MEANING: Readonly<Record<string, Answer>> = {
  'launch.cut': 'unreachable',
  'link.cut': 'unreachable',
  'launch.unreachable': 'unreachable',
  'launch.unknown': 'unknown',
  'launch.stopped': 'ended'
};

/** The state after one more look. */
export function next(state: State, heard: Heard): State {
  switch (heard.from) {
    case 'server':
      return fromServer(state, heard.session, heard.at);
    case 'door': {
      const ended = heard.said.code.startsWith('ended.');
      const answer = ended ? 'ended' : (MEANING[heard.said.code] ?? 'starting');
      return { ...silent(state, answer, heard.at, heard.since), said: heard.said };
    }
    case 'hub':
      return state.answer === 'ended' ? state : silent(state, 'ended', heard.at);
    case 'stranger':
      return { ...state, loggedOut: true };
    case 'nobody':
      // Whoever has ended does not come back by being asked again.
      return state.answer === 'ended' ? state : silent(state, 'unreachable', heard.at);
  }
}

function fromServer(state: State, session: Session, at: number): State {
  const moment = (left: number | null): number | null => (left === null ? null : at + 1000 * left);
  return {
    answer: session.seen,
    since: session.seen_since === null ? null : 1000 * session.seen_since,
    said: session.said,
    session,
    endsAt: moment(session.seconds_left),
    idleEndsAt: moment(session.idle_seconds_left),
    replaced: state.replaced || (state.session !== null && state.session.tag !== session.tag),
    loggedOut: false
  };
}

/** Nobody spoke for the server itself. One silence has one beginning, whatever is said of it in between. */
function silent(state: State, answer: Answer, at: number, since: number | null = null): State {
  const began = state.answer === answer ? state.since : null;
  const said = state.answer === answer ? state.said : null;
  return { ...state, answer, since: since ?? began ?? at, said, idleEndsAt: null };
}

/** Something that a person should know before it happens. */
export type Warning = 'time' | 'time-last' | 'idle';

/** What should be said now; `said` are those that were. A last word comes when a fifth of the warning's time is left. */
export function due(state: State, now: number, said: ReadonlySet<Warning>): Warning | null {
  const { session, endsAt, idleEndsAt } = state;
  if (session === null || state.answer === 'ended' || session.moving !== null) {
    return null;
  }
  const warn = 1000 * session.warn_seconds;
  const left = endsAt === null ? Infinity : endsAt - now;
  if (left <= warn / 5) {
    return said.has('time-last') ? null : 'time-last';
  }
  if (left <= warn) {
    return said.has('time') ? null : 'time';
  }
  return idleEndsAt !== null && idleEndsAt - now <= warn && !said.has('idle') ? 'idle' : null;
}

/** Milliseconds until the next look: soon while something is amiss, seldom while nobody sees the page. */
export function pause(state: State, hidden: boolean): number {
  if (state.answer === 'alive' && state.session?.moving == null) {
    return hidden ? 60_000 : 10_000;
  }
  return hidden ? 15_000 : 3_000;
}
