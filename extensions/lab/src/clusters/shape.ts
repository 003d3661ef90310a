// Made by tools/shapes.py from sampan_lab.clusters; change it there.
import type { Names, Said } from '../session/shape.ts';

/** A Dask cluster that has not ended. `cores` and `memory_mib` are a worker's; what nobody has said yet is None. */
export interface Cluster {
  readonly id: string;
  readonly name: string;
  readonly names: Names | null;
  readonly share: string;
  readonly stage: 'placed' | 'submitted' | 'queued' | 'running' | 'reachable' | 'ready' | 'ended';
  readonly stopping: boolean;
  readonly seen: 'alive' | 'ended' | 'unknown' | 'unreachable';
  readonly said: Said | null;
  readonly cores: number;
  readonly memory_mib: number;
  readonly workers: number | null;
  readonly wanted: number | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly pages: string;
  readonly listens: boolean | null;
}
