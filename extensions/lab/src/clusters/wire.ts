/** How the Clusters panel asks. Ends are asked for as for all launches. */
import type { ServerConnection } from '@jupyterlab/services';

import { ask, type Told } from '../wire.ts';
import type { Cluster } from './shape.ts';

/** One's own clusters that have not ended. Whoever asks is told of their news for a minute. */
export function clusters(settings: ServerConnection.ISettings): Promise<Told<readonly Cluster[]>> {
  return ask(settings, 'clusters');
}

export type Size = { readonly workers: number } | { readonly minimum: number; readonly maximum: number };

/** Asks for another size. */
export function resize(
  settings: ServerConnection.ISettings,
  cluster: string,
  size: Size
): Promise<Told<object>> {
  return ask(settings, `clusters/${cluster}/size`, 'PUT', size);
}
