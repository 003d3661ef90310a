/** What the Catalogue panel says, in the language of the page. */
import { ago } from '../centres/words.ts';
import type { Language, Speaker } from '../session/words.ts';
import type { Card, Count, Here, Place, Row } from './shape.ts';
import { size } from './state.ts';

export function kind(name: string, trans: Speaker): string {
  switch (name) {
    case 'dataset':
      return trans.__('dataset');
    case 'software':
      return trans.__('software');
    case 'model':
      return trans.__('model');
    case 'notebook':
      return trans.__('notebook');
    case 'service':
      return trans.__('service');
    case 'offer':
      return trans.__('compute offer');
    default:
      return name;
  }
}

/** The facets that are shown, in their order, and what they are called. */
export function facets(trans: Speaker): readonly (readonly [string, string])[] {
  return [
    ['kind', trans.__('Kind')],
    ['subject', trans.__('Subject')],
    ['centre', trans.__('Centre')],
    ['provider', trans.__('Provider')],
    ['licence', trans.__('Licence')],
    ['access', trans.__('Access')],
    ['generated', trans.__('Generated')]
  ];
}

export function choice(facet: string, { value, names }: Count, trans: Speaker, language: Language): string {
  switch (facet) {
    case 'kind':
      return kind(value, trans);
    case 'access':
      return access(value, trans);
    case 'generated':
      return value === 'yes' ? trans.__('yes') : trans.__('no');
    case 'centre':
      return names?.[language] ?? (value === '*' ? trans.__('every centre') : value);
    default:
      return value;
  }
}

function access(value: string, trans: Speaker): string {
  switch (value) {
    case 'public':
      return trans.__('public');
    case 'group':
      return trans.__('for a group');
    case 'request':
      return trans.__('on request');
    default:
      return value;
  }
}

/** How an entry stands, where that is anything but simply published. */
export function standing(status: string, trans: Speaker): string {
  switch (status) {
    case 'draft':
      return trans.__('draft');
    case 'deprecated':
      return trans.__('deprecated');
    case 'withdrawn':
      return trans.__('withdrawn');
    case 'quarantined':
      return trans.__('in quarantine');
    default:
      return '';
  }
}

/** Marks beside a title. */
export function marks(row: Row, trans: Speaker): string[] {
  const found = [kind(row.kind, trans), standing(row.status, trans)];
  return [...found, row.generated ? trans.__('generated') : ''].filter(mark => mark !== '');
}

/** Whether it opens here, in a word or two. */
export function brief(row: Row, trans: Speaker): string {
  switch (row.opens) {
    case 'here':
      return trans.__('here');
    case 'elsewhere':
      return trans.__('only there');
    case 'unwell':
      return trans.__('not whole here');
    case 'closed':
      return trans.__('not open to you');
    case 'taken':
    case 'nothing':
      return '';
  }
}

/** Whether it opens where one computes, and why not. */
export function verdict(
  { row, group, reason }: Card,
  here: Here | null,
  trans: Speaker,
  language: Language
): string {
  const at = here?.names[language] ?? '';
  const where = row.where.map(names => names[language]).join(language === 'zh' ? '、' : ', ');
  switch (row.opens) {
    case 'here':
      return row.kind === 'software'
        ? trans.__('It is installed here: %1.', at)
        : trans.__('It opens here: %1.', at);
    case 'elsewhere':
      return row.kind === 'software'
        ? trans.__('It is at %1. A kernel here, at %2, cannot import it.', where, at)
        : trans.__('It lies at %1, not here at %2.', where, at);
    case 'unwell':
      return trans.__('The copy here, at %1, is not whole.', at);
    case 'closed':
      return group === ''
        ? trans.__('It is opened on request: ask its provider.')
        : trans.__('Only members of the group “%1” may open it: ask its provider.', group);
    case 'taken':
      return reason?.[language] ?? trans.__('It was taken back by its provider.');
    case 'nothing':
      return row.kind === 'offer'
        ? trans.__('It is taken when a session or a kernel is started.')
        : trans.__('There is nothing in it that a notebook could open.');
  }
}

/** What a centre has of it. */
export function place(one: Place, now: number, trans: Speaker, language: Language): string {
  if (!one.has) {
    return trans.__('not there');
  }
  const checked =
    one.checked_at === null ? '' : trans.__('looked at %1', ago(now / 1000 - one.checked_at, trans));
  const facts = [one.what, one.bytes === null ? '' : size(one.bytes), state(one.state, trans)];
  return [
    ...facts,
    checked,
    one.fault?.[language] ?? '',
    one.limits?.[language] ?? '',
    one.reachable ? '' : trans.__('cannot be reached')
  ]
    .filter(fact => fact !== '')
    .join(' · ');
}

function state(name: string, trans: Speaker): string {
  switch (name) {
    case 'nearline':
      return trans.__('on tape');
    case 'partial':
      return trans.__('a part of it');
    case 'missing':
      return trans.__('missing');
    case 'corrupt':
      return trans.__('damaged');
    default:
      return '';
  }
}

/** Further facts of an entry, each under its name. */
export function facts(card: Card, trans: Speaker): readonly (readonly [string, string])[] {
  const { row, bbox, start, end } = card;
  const found = [
    [trans.__('Provider'), row.provider],
    [trans.__('Licence'), card.licence],
    [trans.__('Access'), access(card.access, trans)],
    [trans.__('Plan'), card.plan],
    [trans.__('Counted in'), unit(card.unit, trans)],
    [trans.__('Data size'), card.bytes === null ? '' : size(card.bytes)],
    [trans.__('Subject'), card.subject],
    [trans.__('Variables'), card.variables.join(', ')],
    [trans.__('Dimensions'), card.dimensions.join(' × ')],
    [trans.__('Period'), start === '' ? '' : `${start} – ${end}`],
    [trans.__('Area'), bbox.length === 4 ? area(bbox) : ''],
    [trans.__('Opened'), card.uses === 0 ? '' : uses(card.uses, trans)],
    [trans.__('Citation'), card.citation]
  ] as const;
  return found.filter(([, value]) => value !== '');
}

function area([west, south, east, north]: readonly number[]): string {
  return `${west}° – ${east}° E, ${south}° – ${north}° N`;
}

/** How much a copy to here would move. */
export function copying(card: Card, here: Here | null, trans: Speaker, language: Language): string {
  const at = here?.names[language] ?? '';
  return card.bytes === null
    ? trans.__('Copy it to %1: nobody has counted how much that would move.', at)
    : trans.__('Copy it to %1: %2 would be moved.', at, size(card.bytes));
}

function uses(count: number, trans: Speaker): string {
  return count === 1 ? trans.__('once') : trans.__('%1 times', String(count));
}

function unit(name: string, trans: Speaker): string {
  switch (name) {
    case 'core-hour':
      return trans.__('core-hours');
    case 'card-hour':
      return trans.__('card-hours');
    case 'call':
      return trans.__('calls');
    case 'month':
      return trans.__('months');
    default:
      return name;
  }
}
