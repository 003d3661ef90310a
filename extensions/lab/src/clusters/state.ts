/** What the Clusters panel knows, and what a person may ask for: values in, values out. */
import type { Heard } from '../centres/state.ts';
import type { Said } from '../session/shape.ts';
import type { Told } from '../wire.ts';
import type { Cluster } from './shape.ts';
import type { Size } from './wire.ts';

export interface State {
  readonly clusters: Heard<readonly Cluster[]> | null;
  /** Nobody, or only a refusal, came of the last look. */
  readonly silent: { readonly said: Said | null } | null;
  /** Those whose end was asked for here; until that is seen. */
  readonly stopping: ReadonlySet<string>;
}

export const NOTHING_HEARD: State = { clusters: null, silent: null, stopping: new Set() };

/** The state after one more look; what was not answered stays as it was. */
export function looked(state: State, at: number, told: Told<readonly Cluster[]>): State {
  if ('refused' in told) {
    return { ...state, silent: { said: told.refused } };
  }
  const there = new Set(told.answer.map(one => one.id));
  const stopping = new Set([...state.stopping].filter(id => there.has(id)));
  return { clusters: { what: told.answer, at }, silent: null, stopping };
}

/** A whole number as a person types it, from 0 on; null where it is none. */
export function count(text: string): number | null {
  const plain = text.normalize('NFKC').trim();
  return /^\d{1,5}$/.test(plain) ? Number(plain) : null;
}

/** The size that was typed: a number, or the two between which it adapts; null where it is none. */
export function sizeOf(low: string, high: string | null): Size | null {
  const [from, to] = [count(low), high === null ? null : count(high)];
  if (from === null) {
    return null;
  }
  if (high === null) {
    return { workers: from };
  }
  return to === null || to < from ? null : { minimum: from, maximum: to };
}

/** What a person fills in. Everything is text, as it was typed. */
export interface Wish {
  /** A kernel's name; empty for that of the notebook in front. */
  readonly kernel: string;
  readonly name: string;
  readonly workers: string;
  readonly cores: string;
  readonly memory: string;
}

export const FIRST_WISH: Wish = { kernel: '', name: '', workers: '4', cores: '1', memory: '2' };

/** Which line of the form cannot be as it is. */
export function wrong(wish: Wish): keyof Wish | null {
  if (!/^[A-Za-z0-9_-]{0,32}$/.test(wish.name.trim())) {
    return 'name';
  }
  if (!count(wish.workers)) {
    return 'workers';
  }
  if (!count(wish.cores)) {
    return 'cores';
  }
  return /^\d{1,5}(\.\d{1,3})?$/.test(plain(wish.memory)) && Number(plain(wish.memory)) > 0 ? null : 'memory';
}

/** The cell that makes such a cluster; only of a wish with nothing wrong in it. */
export function making(wish: Wish): string {
  const named = wish.name.trim() === '' ? '' : `, name="${wish.name.trim()}"`;
  const size = `workers=${count(wish.workers)}, cores=${count(wish.cores)}, memory="${plain(wish.memory)} GiB"`;
  return [
    'import sampan',
    '',
    `cluster = sampan.cluster(${size}${named})`,
    'client = cluster.get_client()',
    'cluster'
  ].join('\n');
}

/** The cell by which another kernel of the same session computes with a cluster. */
export function joining(name: string): string {
  return `import sampan\n\nclient = sampan.dask_client(${JSON.stringify(name)})\nclient`;
}

function plain(text: string): string {
  return text.normalize('NFKC').trim();
}
