/** What the Clusters panel says, in the language of the page. */
import type { Speaker } from '../session/words.ts';
import type { Cluster } from './shape.ts';
import type { Wish } from './state.ts';

/** How many workers there are, and how many there should be. */
export function size(one: Cluster, trans: Speaker): string {
  if (one.workers === null) {
    return trans.__('number of workers not known yet');
  }
  const there = String(one.workers);
  if (one.minimum !== null && one.maximum !== null) {
    return trans.__(
      'workers: %1, adapting between %2 and %3',
      there,
      String(one.minimum),
      String(one.maximum)
    );
  }
  return one.wanted === null
    ? trans.__('workers: %1', there)
    : trans.__('workers: %1 of %2', there, String(one.wanted));
}

/** How many are wanted at most; null where nobody has said. */
export function most(one: Cluster): number | null {
  return one.maximum ?? one.wanted;
}

/** A word about a kernel that does not hear what is asked for here; else null. */
export function silence(one: Cluster, trans: Speaker): string | null {
  return one.listens === false
    ? trans.__('Its kernel does not listen just now. Workers without it end by themselves.')
    : null;
}

/** What is wrong with a line of the form. */
export function mistake(field: keyof Wish, trans: Speaker): string {
  switch (field) {
    case 'name':
      return trans.__('A name has letters, digits, - and _, at most 32.');
    case 'memory':
      return trans.__('Memory is a number of GiB, such as 2 or 0.5.');
    case 'workers':
    case 'cores':
    case 'kernel':
      return trans.__('Workers and cores are whole numbers, 1 or more.');
  }
}

/** Dask's pages that are offered as tabs, by their path below a cluster's. */
export const PANES = [
  'status',
  'individual-task-stream',
  'individual-progress',
  'individual-graph',
  'individual-cpu',
  'individual-workers-memory'
] as const;

export type Pane = (typeof PANES)[number];

export function pane(name: Pane, trans: Speaker): string {
  switch (name) {
    case 'status':
      return trans.__('Overview');
    case 'individual-task-stream':
      return trans.__('Task stream');
    case 'individual-progress':
      return trans.__('Progress');
    case 'individual-graph':
      return trans.__('Task graph');
    case 'individual-cpu':
      return trans.__('Processors');
    case 'individual-workers-memory':
      return trans.__('Memory');
  }
}
