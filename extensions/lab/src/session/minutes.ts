/** A length of time as a person types it. */
import type { Speaker } from './words.ts';

/** The longest that anybody may ask for anywhere: 30 days. */
export const MOST_MINUTES = 720 * 60;

/** Whole minutes from 1 to `most`; else a sentence about what is wrong. */
export function minutesIn(text: string, most: number, trans: Speaker): number | string {
  // Full-width digits, which Chinese keyboards type, are digits.
  const plain = text.normalize('NFKC').trim();
  if (!/^\d{1,9}$/.test(plain) || Number(plain) < 1) {
    return trans.__('Type a whole number of minutes, 1 or more.');
  }
  const minutes = Number(plain);
  return minutes <= most
    ? minutes
    : trans.__('Sessions at this centre last %1 minutes at most.', String(most));
}
