/** Wiring: which parts of JupyterLab the session is shown with. */
import { IConnectionLost, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Watcher } from './session/watcher.ts';

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

/** JupyterHub's own dialog offers to start a server anew that runs and cannot be reached; the status bar tells instead. */
const connectionLost: JupyterFrontEndPlugin<IConnectionLost> = {
  id: '@sampan/lab:connection-lost',
  description: 'No dialog when the server cannot be reached.',
  autoStart: true,
  provides: IConnectionLost,
  activate: () => () => Promise.resolve()
};

export default [session, connectionLost];
