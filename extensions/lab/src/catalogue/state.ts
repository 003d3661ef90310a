/** What the Catalogue panel knows: values in, values out. */
import type { Answer, Offer } from '../centres/shape.ts';
import type { Said } from '../session/shape.ts';
import type { Told } from '../wire.ts';
import type { Card, Facet, Found, Here, Place, Row } from './shape.ts';

/** An entry's name; of its newest version where `version` is empty. */
export interface Ref {
  readonly provider: string;
  readonly name: string;
  readonly version: string;
}

export interface Query {
  readonly text: string;
  /** Facet → value. */
  readonly chosen: Readonly<Record<string, string>>;
}

export interface Results {
  readonly query: Query;
  readonly total: number;
  readonly rows: ReadonlyMap<number, Row>;
  readonly facets: readonly Facet[];
  readonly instead: string | null;
  readonly whole: boolean;
  readonly at: number;
}

export interface State {
  readonly query: Query;
  readonly results: Results | null;
  readonly silent: { readonly said: Said | null } | null;
  readonly here: Here | null;
  /** What is looked at, and what was said of it. */
  readonly open: Ref | null;
  readonly card: Told<Card> | null;
  /** The address of its preview; empty where there is none. */
  readonly picture: string;
  /** Centre → what it says to a kernel there. */
  readonly offers: ReadonlyMap<string, Offer>;
}

export const NOTHING_ASKED: State = {
  query: { text: '', chosen: {} },
  results: null,
  silent: null,
  here: null,
  open: null,
  card: null,
  picture: '',
  offers: new Map()
};

/** Rows that the broker gives of one search at the most. */
export const MOST = 10_000;
/** Rows of one answer. */
export const PAGE = 30;

/** The state after an answer to a search, whose first row is at `offset`. Only to the question that is asked now. */
export function found(state: State, at: number, query: Query, offset: number, told: Told<Found>): State {
  if (query !== state.query) {
    return state;
  }
  if ('refused' in told) {
    return { ...state, silent: { said: told.refused } };
  }
  const { total, facets, instead, whole } = told.answer;
  const rows = new Map(offset === 0 ? [] : state.results?.rows);
  told.answer.rows.forEach((row, index) => rows.set(offset + index, row));
  return { ...state, silent: null, results: { query, total, rows, facets, instead, whole, at } };
}

/** The first rows of the pages that are seen and have not been asked for. */
export function missing(
  results: Results | null,
  asked: ReadonlySet<number>,
  from: number,
  to: number
): number[] {
  if (results === null) {
    return [];
  }
  const pages = new Set<number>();
  for (let row = from; row < to; row++) {
    const page = row - (row % PAGE);
    if (!results.rows.has(row) && !asked.has(page)) {
      pages.add(page);
    }
  }
  return [...pages];
}

/** With another value of one facet; an empty one takes the choice back. */
export function choosing(query: Query, facet: string, value: string): Query {
  const others = Object.entries(query.chosen).filter(([name]) => name !== facet);
  return { ...query, chosen: Object.fromEntries(value === '' ? others : [...others, [facet, value]]) };
}

/** `provider/name@version`, as `sampan.open` reads it. */
export function spelled(ref: Ref): string {
  return `${ref.provider}/${ref.name}${ref.version === '' ? '' : `@${ref.version}`}`;
}

/** The entry of that name, null where it is none. */
export function read(text: string): Ref | null {
  const parts = NAME.exec(text);
  if (parts === null) {
    return null;
  }
  const [, provider = '', name = '', version = ''] = parts;
  return { provider, name, version };
}

const NAME = /^([a-z][a-z0-9-]{0,62})\/([a-z][a-z0-9-]{0,62})(?:@([A-Za-z0-9][A-Za-z0-9._+-]{0,62}))?$/;

/** The entry that a page's address leads to; null where it leads to none. */
export function leadsTo(search: string): Ref | null {
  return read(new URLSearchParams(search).get(LINK) ?? '');
}

export const LINK = 'sampan-entry';

/** The address by which somebody else finds an entry, in a server of their own where there is a hub. */
export function linkTo(ref: Ref, origin: string, hub: string, base: string): string {
  const lab = hub === '' ? `${base}lab` : `${hub}user-redirect/lab`;
  return `${origin}${lab}?${LINK}=${spelled(ref)}`;
}

/** The code that opens an entry. */
export function opening(ref: Ref): string {
  return `import sampan\n\ndata = sampan.open("${spelled(ref)}")\ndata`;
}

/** The code that shows an entry without more code. */
export function looking(ref: Ref): string {
  return `import sampan\n\nsampan.browse("${spelled(ref)}")`;
}

/** The kernel that runs at a place and has what is there; null where none is offered. `names`: of all kernels. */
export function kernelAt(place: Place, here: Here | null, names: readonly string[]): string | null {
  const local = names.includes('python3') ? 'python3' : null;
  if (place.software === null) {
    return null;
  }
  const wanted = place.software === '' ? `centre-${place.centre}` : `software-${place.software}`;
  const remote = names.find(name => {
    const parts = name.split('--');
    return parts[0] === 'sampan' && parts.includes(wanted);
  });
  if (place.software === '' && (place.centre === '' || place.centre === here?.own)) {
    return local ?? remote ?? null;
  }
  return remote ?? null;
}

/** Bytes, for people. */
export function size(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${Number(count.toPrecision(3))} ${units[unit]}`;
}

/** What that centre said to a kernel there. */
export function offerOf(answer: Answer, centre: string): Offer | null {
  return [...answer.ranked, ...answer.refused].find(offer => offer.centre === centre) ?? null;
}
