// Made by tools/shapes.py from sampan_kernels.news; change it there.

/** How the launch of a kernel is: that it waits, and for what; that it runs, and where; that it is over, and why. */
export interface News {
  readonly launch: string;
  readonly state: 'waits' | 'runs' | 'over';
  readonly seen: 'alive' | 'ended' | 'unknown' | 'unreachable';
  readonly centre: string | null;
  readonly code: string;
  readonly en: string;
  readonly zh: string;
}
