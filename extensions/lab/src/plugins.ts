/** Wiring: which parts of JupyterLab the session is shown with. */
import {
  IConnectionLost,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CentresPanel } from './centres/panel.tsx';
import { ClustersPanel } from './clusters/panel.tsx';
import { centresIcon, clustersIcon } from './icons.ts';
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

export default [session, centres, clusters, kernels, connectionLost];
