// Made by tools/shapes.py from sampan_lab.session; change it there.

/** Of one thing in both languages. */
export interface Names {
  readonly en: string;
  readonly zh: string;
}

/** A sentence of Sampan's in both languages, by its code. */
export interface Said {
  readonly code: string;
  readonly en: string;
  readonly zh: string;
}

/** One session as its server sees it. That it answers says that it is alive; `seen` is what its centre's scheduler says. */
export interface Session {
  readonly launch: string;
  readonly tag: string;
  readonly centre: string;
  readonly names: Names;
  readonly share: string;
  readonly node: string;
  readonly seconds_left: number | null;
  readonly warn_seconds: number;
  readonly minutes: number | null;
  readonly most_minutes: number | null;
  readonly idle_seconds_left: number | null;
  readonly asked: boolean;
  readonly seen: 'alive' | 'ended' | 'unknown' | 'unreachable';
  readonly seen_since: number | null;
  readonly said: Said | null;
  readonly may_move_on: boolean;
  readonly moving: Said | null;
  readonly end_key: string | null;
}
