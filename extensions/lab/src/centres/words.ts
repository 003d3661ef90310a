/** What the Centres panel says, in the language of the page. */
import type { Language, Speaker } from '../session/words.ts';
import type { Centre, Offer, Running } from './shape.ts';

/** How long ago, roughly. */
export function ago(seconds: number, trans: Speaker): string {
  if (seconds < 60) {
    return trans.__('%1 s ago', String(Math.floor(seconds)));
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? trans.__('%1 min ago', String(minutes))
    : trans.__('%1 h ago', String(Math.floor(minutes / 60)));
}

/** How a centre is, in a word or two. */
export function health(centre: Centre, trans: Speaker): string {
  switch (centre.state) {
    case 'ok':
      return trans.__('in service');
    case 'draining':
      return trans.__('takes no new work');
    case 'unreachable':
      return trans.__('cannot be reached');
    case 'unknown':
      return trans.__('not known just now');
  }
}

/** What a centre says to a need, in a word or two. */
export function verdict(offer: Offer, trans: Speaker): string {
  switch (offer.verdict) {
    case 'now':
      return trans.__('starts at once');
    case 'queue':
      return trans.__('waits its turn');
    case 'unknown':
      return trans.__('not known just now');
    case 'no':
      return trans.__('not here');
  }
}

/** What runs there. A kernel's own name is for programs. */
export function title(one: Pick<Running, 'kind' | 'name' | 'here'>, trans: Speaker): string {
  switch (one.kind) {
    case 'server':
      if (one.here === 'self') {
        return trans.__('This session');
      }
      return one.name === '' ? trans.__('Session') : trans.__('Session “%1”', one.name);
    case 'kernel':
      return trans.__('Kernel');
    case 'cluster':
      return one.name === '' ? trans.__('Dask cluster') : trans.__('Dask cluster “%1”', one.name);
  }
}

type Standing = Pick<Running, 'stopping' | 'stage' | 'seen' | 'said'>;

/** How it is: Sampan's own sentence while it is anything but simply there. */
export function standing(one: Standing, stopping: boolean, trans: Speaker, language: Language): string {
  if (one.stopping || stopping) {
    return trans.__('stopping');
  }
  if (one.stage === 'ready' && one.seen === 'alive') {
    return trans.__('running');
  }
  return one.said?.[language] ?? trans.__('starting');
}
