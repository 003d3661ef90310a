/** Wiring: which parts of JupyterLab the session is shown with. */
import {
  IConnectionLost,
  ILayoutRestorer,
  IRouter,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CataloguePanel } from './catalogue/panel.tsx';
import { leadsTo, LINK } from './catalogue/state.ts';
import { CentresPanel } from './centres/panel.tsx';
import { ClustersPanel } from './clusters/panel.tsx';
import { catalogueIcon, centresIcon, clustersIcon } from './icons.ts';
import { Teller } from './kernels/teller.ts';
import { Watcher } from './session/watcher.ts';
import { shelve } from './shelf.ts';

const session: JupyterFrontEndPlugin<void> = {
  id: '@sampan/lab:session',
  description: 'Where this notebook runs, how it is, and for how much longer.',
  autoStart: true,
  optional: [IStatusBar, ITranslator],
  activate: (app: JupyterFrontEnd, bar: IStatusBar | null, translator: ITranslator | null) => {
    const watcher = new Watcher(app, translator ?? nullTranslator);
    bar?.registerStatusItem('@sampan/lab:session', { item: watcher.line, align: 'left', rank: -10 });
    void app.restored.then(() => watcher.begin());
  }
};

const centres: JupyterFrontEndPlugin<void> = {
  id: '@sampan/lab:centres',
  description: 'How the centres stand, where a need would go, and what runs for its person.',
  autoStart: true,
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const speaker = translator ?? nullTranslator;
    const { panel } = new CentresPanel(app.serviceManager, speaker);
    const trans = speaker.load('sampan');
    shelve(app, panel, {
      id: 'sampan-centres',
      caption: trans.__('Centres'),
      show: trans.__('Show the centres'),
      icon: centresIcon,
      palette,
      restorer
    });
  }
};

const clusters: JupyterFrontEndPlugin<void> = {
  id: '@sampan/lab:clusters',
  description: "A person's Dask clusters: made, sized, ended, and Dask's own pages of them.",
  autoStart: true,
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const speaker = translator ?? nullTranslator;
    const { panel } = new ClustersPanel(app, speaker);
    const trans = speaker.load('sampan');
    shelve(app, panel, {
      id: 'sampan-clusters',
      caption: trans.__('Clusters'),
      show: trans.__('Show the clusters'),
      icon: clustersIcon,
      palette,
      restorer
    });
  }
};

const catalogue: JupyterFrontEndPlugin<void> = {
  id: '@sampan/lab:catalogue',
  description: 'Software and data of every centre: found, looked at, and used where they are.',
  autoStart: true,
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, IRouter],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    router: IRouter | null
  ) => {
    const speaker = translator ?? nullTranslator;
    const shown = new CataloguePanel(app, speaker);
    const trans = speaker.load('sampan');
    const id = 'sampan-catalogue';
    shelve(app, shown.panel, {
      id,
      caption: trans.__('Catalogue'),
      show: trans.__('Show the catalogue'),
      icon: catalogueIcon,
      palette,
      restorer
    });
    const follow = 'sampan:follow-entry';
    app.commands.addCommand(follow, {
      execute: async at => {
        const ref = leadsTo(String(at['search']));
        await app.restored;
        if (ref !== null) {
          app.shell.activateById(id);
          await shown.show(ref);
        }
      }
    });
    router?.register({ command: follow, pattern: new RegExp(`[?&]${LINK}=`) });
  }
};

const kernels: JupyterFrontEndPlugin<void> = {
  id: '@sampan/lab:kernels',
  description: 'What a kernel at another centre waits for, and what has become of it.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    new Teller(app, translator ?? nullTranslator).begin();
  }
};

/** JupyterHub's own dialog offers to start a server anew that runs and cannot be reached; the status bar tells instead. */
const connectionLost: JupyterFrontEndPlugin<IConnectionLost> = {
  id: '@sampan/lab:connection-lost',
  description: 'No dialog when the server cannot be reached.',
  autoStart: true,
  provides: IConnectionLost,
  activate: () => () => Promise.resolve()
};

export default [session, centres, clusters, catalogue, kernels, connectionLost];
