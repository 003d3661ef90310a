/** The Centres panel: looks while it is seen, and asks what a person presses. The one place here that waits. */
import type { ServiceManager } from '@jupyterlab/services';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import { granted, sure } from '../asking.ts';
import type { Language } from '../session/words.ts';
import { Panel } from '../widgets/panel.ts';
import type { Running } from './shape.ts';
import { looked, NOTHING_HEARD, options, ran, type Demand, type State } from './state.ts';
import { CentresView } from './view.tsx';
import { centres, onNews, place, running, stop } from './wire.ts';
import { title } from './words.ts';

/** Capacity is measured about as often, and has no events. */
const EVERY = 10_000;

export class CentresPanel {
  readonly panel: Panel;
  private state: State = NOTHING_HEARD;
  private readonly services: ServiceManager.IManager;
  private readonly trans: TranslationBundle;
  private readonly language: Language;

  constructor(services: ServiceManager.IManager, translator: ITranslator) {
    this.services = services;
    this.trans = translator.load('sampan');
    this.language = translator.languageCode.toLowerCase().startsWith('zh') ? 'zh' : 'en';
    this.panel = new Panel({
      draw: () => (
        <CentresView
          state={this.state}
          now={Date.now()}
          trans={this.trans}
          language={this.language}
          stop={one => void this.stop(one)}
          place={demand => void this.place(demand)}
        />
      ),
      look: () => this.look(),
      every: EVERY
    });
    onNews(services, () => {
      if (this.panel.seen) {
        void this.run();
      }
    });
  }

  private get settings() {
    return this.services.serverSettings;
  }

  private change(changed: Partial<State>): void {
    this.state = { ...this.state, ...changed };
    this.panel.update();
  }

  private async look(): Promise<void> {
    const [all, mine] = await Promise.all([centres(this.settings), running(this.settings)]);
    this.change(looked(this.state, Date.now(), all, mine));
  }

  /** Looks at the launches alone. */
  private async run(): Promise<void> {
    const mine = await running(this.settings);
    this.change(ran(this.state, Date.now(), mine));
  }

  private async place(demand: Demand): Promise<void> {
    this.change({ answer: 'asked' });
    this.change({ answer: await place(this.settings, options(demand)) });
  }

  private async stop(one: Running): Promise<void> {
    const { trans, language } = this;
    const where = one.names === null ? '' : ` · ${one.names[language]}`;
    const lost =
      one.here === 'self'
        ? trans.__(
            'This is the session that you are looking at: this page ends with it, and so do its kernels.'
          )
        : trans.__('Its job ends.');
    const body = `${lost} ${trans.__('Variables and everything else in memory are lost; saved files are kept.')}`;
    const question = trans.__('Stop %1?', `${title(one, trans)}${where}`);
    if (!(await sure(question, body, trans.__('Stop'), trans))) {
      return;
    }
    this.change({ stopping: new Set([...this.state.stopping, one.id]) });
    if (!granted(await stop(this.settings, one.id), trans, language)) {
      this.change({ stopping: new Set([...this.state.stopping].filter(id => id !== one.id)) });
    }
    await this.run();
  }
}
