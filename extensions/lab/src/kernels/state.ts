/** What a person is to be told of a kernel elsewhere. Pure. */
import type { News } from './shape.ts';

/** `quiet`: nothing, and what was told before is over. */
export type Word = 'waits' | 'came' | 'away' | 'over' | 'quiet';

/** Milliseconds that a kernel may take before anything is said: most are there by then. */
export const SOON = 2500;

/** What to say at this news after the one before, null: the first that this page hears of the kernel. */
export function word(before: News | null, news: News): Word {
  if (news.state === 'waits') {
    return 'waits';
  }
  if (news.state === 'over') {
    // Who has stopped it knows that.
    return news.code.startsWith('launch.stop') || news.code === 'ended.stopped' ? 'quiet' : 'over';
  }
  if (news.seen === 'unreachable' || news.seen === 'unknown') {
    return 'away';
  }
  return before?.state === 'waits' ? 'came' : 'quiet';
}
