/** How the Centres panel asks, and hears that there is something to ask for. */
import type { ServerConnection, ServiceManager } from '@jupyterlab/services';

import { ask, type Told } from '../wire.ts';
import type { Answer, Centre, Running } from './shape.ts';

type Settings = ServerConnection.ISettings;

/** Every centre with its capacity. */
export function centres(settings: Settings): Promise<Told<readonly Centre[]>> {
  return ask(settings, 'centres');
}

/** One's own launches that have not ended. Whoever asks is told of their news for a minute. */
export function running(settings: Settings): Promise<Told<readonly Running[]>> {
  return ask(settings, 'launches');
}

/** Asks for the end of a launch. */
export function stop(settings: Settings, launch: string): Promise<Told<object>> {
  return ask(settings, `launches/${launch}`, 'DELETE');
}

/** What such a need would get just now, and why. Starts nothing. */
export function place(settings: Settings, options: Readonly<Record<string, string>>): Promise<Told<Answer>> {
  return ask(settings, 'place', 'POST', { options });
}

/** Calls `hear` whenever something has happened to one's launches; the server says so on Jupyter's own event bus. */
export function onNews(services: ServiceManager.IManager, hear: () => void): void {
  services.events.stream.connect((_, news) => {
    if (news.schema_id === 'urn:sampan:launches') {
      hear();
    }
  });
}
