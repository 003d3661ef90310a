/** The Catalogue panel: asks as somebody types, and does what they press. The one place here that waits. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import { granted } from '../asking.ts';
import { place } from '../centres/wire.ts';
import type { Offer } from '../centres/shape.ts';
import { Notebooks } from '../notebooks.ts';
import type { Language } from '../session/words.ts';
import { Panel } from '../widgets/panel.ts';
import type { Card } from './shape.ts';
import * as state from './state.ts';
import type { Query, Ref, State } from './state.ts';
import { CatalogueView } from './view.tsx';
import { copyNotebook, entry, picture, search, whereabouts } from './wire.ts';

/** Where the kernel in front computes has no events. */
const EVERY = 5_000;
/** Milliseconds without a key after which is asked. */
const STILL = 120;

export class CataloguePanel {
  readonly panel: Panel;
  private state: State = state.NOTHING_ASKED;
  private readonly app: JupyterFrontEnd;
  private readonly notebooks: Notebooks;
  private readonly trans: TranslationBundle;
  private readonly language: Language;
  private timer = 0;
  /** Pages of what is asked now that were asked for. */
  private asked = new Set<number>();

  constructor(app: JupyterFrontEnd, translator: ITranslator) {
    this.app = app;
    this.notebooks = new Notebooks(app);
    this.trans = translator.load('sampan');
    this.language = translator.languageCode.toLowerCase().startsWith('zh') ? 'zh' : 'en';
    this.panel = new Panel({ draw: () => this.draw(), look: () => this.look(), every: EVERY });
    app.shell.currentChanged?.connect(() => void this.panel.look());
  }

  /** Shows one entry. */
  async show(ref: Ref): Promise<void> {
    this.picture('');
    this.change({ open: ref, card: null, offers: new Map() });
    await this.ask(ref);
  }

  private get settings() {
    return this.app.serviceManager.serverSettings;
  }

  private readonly acts = {
    type: (text: string): void => this.query({ ...this.state.query, text }),
    choose: (facet: string, value: string): void =>
      this.query(state.choosing(this.state.query, facet, value)),
    seen: (from: number, to: number): void => {
      for (const page of state.missing(this.state.results, this.asked, from, to)) {
        void this.search(page);
      }
    },
    open: (ref: Ref): void => void this.show(ref),
    close: (): void => {
      this.picture('');
      this.change({ open: null, card: null });
      this.panel.node.querySelector<HTMLElement>('.sampan-Windowed')?.focus();
    },
    insert: (ref: Ref): void => void this.notebooks.insert(state.opening(ref)),
    look: (ref: Ref, kernel: string): void => void this.notebooks.run(kernel, state.looking(ref)),
    copy: (ref: Ref): void => void this.copy(ref),
    start: (kernel: string): void => void this.notebooks.create(kernel),
    share: (ref: Ref): void => {
      const hub = PageConfig.getOption('hubPrefix');
      Clipboard.copyToSystem(state.linkTo(ref, window.location.origin, hub, PageConfig.getBaseUrl()));
      Notification.success(this.trans.__('The link to it is in the clipboard.'), { autoClose: 3000 });
    }
  };

  private async copy(ref: Ref): Promise<void> {
    const told = await copyNotebook(this.settings, ref);
    if (granted(told, this.trans, this.language) && 'answer' in told) {
      await this.app.commands.execute('docmanager:open', { path: told.answer.path });
    }
  }

  private draw() {
    const specs = this.app.serviceManager.kernelspecs.specs?.kernelspecs ?? {};
    return (
      <CatalogueView
        state={this.state}
        now={Date.now()}
        trans={this.trans}
        language={this.language}
        notebook={this.notebooks.front !== null}
        kernels={Object.keys(specs)}
        acts={this.acts}
      />
    );
  }

  private change(changed: Partial<State>): void {
    this.state = { ...this.state, ...changed };
    this.panel.update();
  }

  private query(query: Query): void {
    this.change({ query });
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.search(0), STILL);
  }

  /** Asks for one page. An answer to what is not asked any more is dropped. */
  private async search(offset: number): Promise<void> {
    const { query, here } = this.state;
    if (offset === 0) {
      this.asked = new Set();
    }
    this.asked.add(offset);
    const told = await search(this.settings, query.text, query.chosen, here?.centre ?? '', offset);
    if ('refused' in told) {
      this.asked.delete(offset);
    }
    this.state = state.found(this.state, Date.now(), query, offset, told);
    this.panel.update();
  }

  /** Whatever was not heard is asked for again; where the kernel in front computes is asked each time. */
  private async look(): Promise<void> {
    const kernel = this.notebooks.front?.panel.context.sessionContext.session?.kernel?.id ?? '';
    const told = await whereabouts(this.settings, kernel);
    const moved = 'answer' in told && told.answer.centre !== this.state.here?.centre;
    if ('answer' in told) {
      this.change({ here: told.answer });
    }
    if (moved || this.state.results === null || this.state.silent !== null) {
      await this.search(0);
    }
    const { open, card } = this.state;
    if (open !== null && (moved || card === null || 'refused' in card)) {
      await this.ask(open);
    }
  }

  private async ask(ref: Ref): Promise<void> {
    const card = await entry(this.settings, ref, this.state.here?.centre ?? '');
    if (this.state.open !== ref) {
      return;
    }
    this.change({ card });
    if ('answer' in card) {
      await Promise.all([this.offered(ref, card.answer), this.pictured(ref, card.answer)]);
    }
  }

  private async pictured(ref: Ref, card: Card): Promise<void> {
    if (!card.picture || card.row.opens === 'closed' || this.state.picture !== '') {
      return;
    }
    const url = await picture(this.settings, card.row);
    if (this.state.open === ref) {
      this.picture(url);
    } else {
      URL.revokeObjectURL(url);
    }
  }

  private picture(url: string): void {
    URL.revokeObjectURL(this.state.picture);
    this.change({ picture: url });
  }

  /** What the centres that it lies at say to a kernel there. */
  private async offered(ref: Ref, { row, places }: Card): Promise<void> {
    if (row.opens !== 'elsewhere' || row.kind === 'software') {
      return;
    }
    const offers = new Map<string, Offer>();
    const away = places.filter(one => one.has && one.centre !== '').map(one => one.centre);
    for (const centre of new Set(away)) {
      const told = await place(this.settings, { centre, cores: '2', memory: '4', hours: '1' });
      const offer = 'answer' in told ? state.offerOf(told.answer, centre) : null;
      if (offer !== null) {
        offers.set(centre, offer);
      }
    }
    if (this.state.open === ref) {
      this.change({ offers });
    }
  }
}
