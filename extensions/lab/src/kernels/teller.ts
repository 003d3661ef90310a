/** Tells of kernels elsewhere in JupyterLab's notifications: one a kernel, changed as it goes on. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification, type ISessionContext } from '@jupyterlab/apputils';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import { Later } from './later.ts';
import type { News } from './shape.ts';
import { SOON, word } from './state.ts';
import { listen } from './wire.ts';

interface Told {
  news: News;
  /** The notification that is shown of it; none yet, or none any more. */
  shown: string;
  /** To say that it waits. */
  readonly soon: Later;
}

export class Teller {
  private readonly app: JupyterFrontEnd;
  private readonly trans: TranslationBundle;
  private readonly language: 'en' | 'zh';
  private readonly told = new Map<string, Told>();

  constructor(app: JupyterFrontEnd, translator: ITranslator) {
    this.app = app;
    this.trans = translator.load('sampan');
    this.language = translator.languageCode.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  }

  begin(): void {
    listen(this.app, (news, session) => this.hear(news, session));
  }

  private hear(news: News, session: ISessionContext): void {
    const before = this.told.get(news.launch);
    const told = before ?? { news, shown: '', soon: new Later() };
    const what = word(before?.news ?? null, news);
    told.news = news;
    this.told.set(news.launch, told);
    const text = `${session.name}: ${news[this.language]}`;
    switch (what) {
      case 'waits':
        return this.wait(told, session);
      case 'came':
        return told.shown === '' ? this.quiet(told) : this.show(told, text, 'success', 5000);
      case 'away':
        return this.show(told, text, 'warning', false);
      case 'over':
        return this.show(told, text, 'error', false);
      case 'quiet':
        return this.quiet(told);
    }
  }

  /** Most are there in a moment: only of one that waits longer is anything said. */
  private wait(told: Told, session: ISessionContext): void {
    const show = (): void => {
      const text = `${session.name}: ${told.news[this.language]}`;
      this.show(told, text, 'in-progress', false, [
        { label: this.trans.__('Stop waiting'), callback: () => void session.shutdown() }
      ]);
    };
    if (told.shown !== '') {
      show();
    } else {
      told.soon.begin(show, SOON);
    }
  }

  private show(
    told: Told,
    message: string,
    type: Notification.TypeOptions,
    autoClose: number | false,
    actions: Notification.IAction[] = []
  ): void {
    told.soon.stop();
    const same = { id: told.shown, message, type, autoClose, actions };
    if (told.shown === '' || !Notification.update(same)) {
      told.shown = Notification.emit(message, type, { autoClose, actions });
    }
  }

  private quiet(told: Told): void {
    told.soon.stop();
    if (told.shown !== '') {
      Notification.dismiss(told.shown);
      told.shown = '';
    }
  }
}
