/** A session's state in words, in the language of the page. */
import type { Names } from './shape.ts';
import type { Answer, State } from './state.ts';

/** The part of JupyterLab's translation that is needed to speak. */
export interface Speaker {
  __(text: string, ...values: string[]): string;
}

export type Language = keyof Names;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long: hours and minutes, and to the second in the last ten minutes. */
export function span(milliseconds: number, trans: Speaker): string {
  const left = Math.max(0, milliseconds);
  if (left < 10 * MINUTE) {
    const seconds = Math.floor(left / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }
  const [hours, minutes] = [Math.floor(left / HOUR), Math.floor((left % HOUR) / MINUTE)].map(String) as [
    string,
    string
  ];
  return left < HOUR ? trans.__('%1 min', minutes) : trans.__('%1 h %2 min', hours, minutes);
}

/** A moment of today as a clock shows it; another day's with its date. */
export function clock(moment: number, now: number, language: Language): string {
  const when = new Date(moment);
  const time = { hour: '2-digit', minute: '2-digit', hour12: false } as const;
  const today = when.toDateString() === new Date(now).toDateString();
  const shown = today ? time : ({ month: 'short', day: 'numeric', ...time } as const);
  return when.toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB', shown);
}

/** The status bar's line. */
export function line(state: State, now: number, trans: Speaker, language: Language): string {
  const where = state.session?.names[language] ?? '';
  const since = state.since === null ? '' : clock(state.since, now, language);
  const left = state.endsAt === null ? null : trans.__('%1 left', span(state.endsAt - now, trans));
  const parts: Record<Answer, (string | null)[]> = {
    alive: [where, state.session?.moving ? trans.__('moving on') : null, left],
    unknown: [where, trans.__('no clear answer since %1', since), left],
    unreachable: [where, trans.__('unreachable since %1', since), left],
    ended: [where, trans.__('ended'), state.said?.[language] ?? null],
    starting: [where, stopping(state) ? trans.__('stopping') : trans.__('starting')]
  };
  return parts[state.answer].filter(part => part !== null && part !== '').join(' · ');
}

function stopping(state: State): boolean {
  return state.said?.code.startsWith('launch.stopping') ?? false;
}

/** What the line means, in a sentence or two. */
export function meaning(state: State, now: number, trans: Speaker, language: Language): string {
  const told = state.said?.[language];
  const since = state.since === null ? '' : clock(state.since, now, language);
  switch (state.answer) {
    case 'alive':
      return state.session?.moving?.[language] ?? trans.__('Your session is running.');
    case 'unknown':
    case 'unreachable':
      return told ?? trans.__('It has not been reachable from here since %1. We keep trying.', since);
    case 'ended':
      return [trans.__('Your session has ended.'), told, trans.__('Files that were saved are kept.')]
        .filter(sentence => sentence !== undefined)
        .join(language === 'zh' ? '' : ' ');
    case 'starting':
      return told ?? trans.__('Looking for your session.');
  }
}
