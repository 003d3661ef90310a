/** The Clusters panel: looks while it is seen, and does what a person presses. The one place here that waits. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { IFrame } from '@jupyterlab/ui-components';

import { granted, sure } from '../asking.ts';
import { onNews, stop } from '../centres/wire.ts';
import { title } from '../centres/words.ts';
import { clustersIcon } from '../icons.ts';
import type { Language } from '../session/words.ts';
import { Panel } from '../widgets/panel.ts';
import { Notebooks } from '../notebooks.ts';
import type { Cluster } from './shape.ts';
import { joining, looked, making, NOTHING_HEARD, type State, type Wish } from './state.ts';
import { ClustersView } from './view.tsx';
import { clusters, resize, type Size } from './wire.ts';
import { pane, type Pane } from './words.ts';

/** How many workers there are has no events of its own. */
const EVERY = 5_000;
const PANE = 'sampan-pane';

export class ClustersPanel {
  readonly panel: Panel;
  private state: State = NOTHING_HEARD;
  private readonly app: JupyterFrontEnd;
  private readonly notebooks: Notebooks;
  private readonly trans: TranslationBundle;
  private readonly language: Language;

  constructor(app: JupyterFrontEnd, translator: ITranslator) {
    this.app = app;
    this.notebooks = new Notebooks(app);
    this.trans = translator.load('sampan');
    this.language = translator.languageCode.toLowerCase().startsWith('zh') ? 'zh' : 'en';
    this.panel = new Panel({ draw: () => this.draw(), look: () => this.look(), every: EVERY });
    onNews(app.serviceManager, () => void this.panel.look());
    app.shell.currentChanged?.connect(() => this.panel.update());
  }

  private get settings() {
    return this.app.serviceManager.serverSettings;
  }

  private draw() {
    return (
      <ClustersView
        state={this.state}
        now={Date.now()}
        trans={this.trans}
        language={this.language}
        notebook={this.notebooks.front !== null}
        kernels={this.kernels()}
        acts={{
          make: wish => void this.make(wish),
          resize: (one, size) => void this.resize(one, size),
          stop: one => void this.stop(one),
          join: one => void this.notebooks.insert(joining(one.name)),
          open: (one, name) => this.open(one, name)
        }}
      />
    );
  }

  private kernels(): (readonly [string, string])[] {
    const specs = Object.values(this.app.serviceManager.kernelspecs.specs?.kernelspecs ?? {});
    return specs
      .filter(spec => spec !== undefined)
      .filter(spec => spec.language.toLowerCase() === 'python')
      .map(spec => [spec.name, spec.display_name] as const);
  }

  private change(state: State): void {
    this.state = state;
    this.panel.update();
  }

  private async look(): Promise<void> {
    const told = await clusters(this.settings);
    this.change(looked(this.state, Date.now(), told));
    if ('answer' in told) {
      this.closeAllBut(told.answer.map(one => `${PANE}-${one.id}-`));
    }
  }

  private async make(wish: Wish): Promise<void> {
    if (!(await this.notebooks.run(wish.kernel, making(wish)))) {
      Notification.error(this.trans.__('Open a notebook first, or choose a new one.'));
    }
  }

  private async resize(one: Cluster, size: Size): Promise<void> {
    granted(await resize(this.settings, one.id, size), this.trans, this.language);
    await this.panel.look();
  }

  private async stop(one: Cluster): Promise<void> {
    const { trans, language } = this;
    const name = title({ kind: 'cluster', name: one.name, here: 'other' }, trans);
    const body = trans.__('Its workers end, and what they hold in memory is lost. The notebook goes on.');
    if (!(await sure(trans.__('Stop %1?', name), body, trans.__('Stop'), trans))) {
      return;
    }
    this.change({ ...this.state, stopping: new Set([...this.state.stopping, one.id]) });
    if (!granted(await stop(this.settings, one.id), trans, language)) {
      const others = [...this.state.stopping].filter(id => id !== one.id);
      this.change({ ...this.state, stopping: new Set(others) });
    }
    await this.panel.look();
  }

  private panes() {
    return [...this.app.shell.widgets('main')].filter(widget => widget.id.startsWith(PANE));
  }

  /** The pages of a cluster that has ended lead nowhere. */
  private closeAllBut(live: readonly string[]): void {
    for (const pane of this.panes()) {
      if (!live.some(start => pane.id.startsWith(start))) {
        pane.dispose();
      }
    }
  }

  /** One of Dask's own pages, as a tab. */
  private open(one: Cluster, name: Pane): void {
    const id = `${PANE}-${one.id}-${name}`;
    const open = this.panes();
    if (open.every(widget => widget.id !== id)) {
      const content = new IFrame({ sandbox: ['allow-scripts', 'allow-same-origin'] });
      content.url = URLExt.join(one.pages, name);
      const widget = new MainAreaWidget({ content });
      widget.id = id;
      widget.title.label = `${pane(name, this.trans)} · ${one.name || 'Dask'}`;
      widget.title.icon = clustersIcon;
      widget.title.closable = true;
      content.node.querySelector('iframe')?.setAttribute('title', widget.title.label);
      // The first beside what is there, the others behind it.
      const beside = open[0];
      const place = beside ? { mode: 'tab-after', ref: beside.id } : { mode: 'split-right' };
      this.app.shell.add(widget, 'main', place as DocumentRegistry.IOpenOptions);
    }
    this.app.shell.activateById(id);
  }
}
