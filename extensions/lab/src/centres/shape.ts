// Made by tools/shapes.py from sampan_lab.centres; change it there.
import type { Names, Said } from '../session/shape.ts';

/** Accelerators of one kind, counted over the nodes of a share that are up. */
export interface Cards {
  readonly kind: string;
  readonly total: number;
  readonly free: number;
}

/** A share of a centre; what is not known now is None, and never free. */
export interface Share {
  readonly id: string;
  readonly names: Names;
  readonly max_hours: number;
  readonly cores_total: number | null;
  readonly cores_free: number | null;
  readonly cards: readonly Cards[];
  readonly waiting: number | null;
}

/** A centre as the broker sees it; `age` is that of its figures, None where it never told any. */
export interface Centre {
  readonly id: string;
  readonly names: Names;
  readonly city: Names;
  readonly state: 'ok' | 'draining' | 'unknown' | 'unreachable';
  readonly age: number | null;
  readonly problem: Said | null;
  readonly shares: readonly Share[];
}

/** A launch of one's own that has not ended. `here`: the session that this page belongs to, or what was started from it. */
export interface Running {
  readonly id: string;
  readonly kind: 'server' | 'kernel' | 'cluster';
  readonly name: string;
  readonly here: 'self' | 'child' | 'other';
  readonly names: Names | null;
  readonly share: string;
  readonly node: string;
  readonly stage: 'placed' | 'submitted' | 'queued' | 'running' | 'reachable' | 'ready' | 'ended';
  readonly stopping: boolean;
  readonly seen: 'alive' | 'ended' | 'unknown' | 'unreachable';
  readonly said: Said | null;
  readonly cores: number;
  readonly seconds_left: number | null;
}

/** What one centre says to a need: its verdict, why, and how long starts like this took. */
export interface Offer {
  readonly centre: string;
  readonly names: Names;
  readonly share: string;
  readonly verdict: 'now' | 'queue' | 'unknown' | 'no';
  readonly reasons: readonly Said[];
  readonly start: Said | null;
}

/** Where a need would go, the best first, and every centre that cannot, with its reason. */
export interface Answer {
  readonly ranked: readonly Offer[];
  readonly refused: readonly Offer[];
}
