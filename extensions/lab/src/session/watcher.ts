/** Looks at the session again and again, shows it, and warns. The one place here that waits. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { type Popup, showPopup } from '@jupyterlab/statusbar';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import { Card, type Button } from '../widgets/card.ts';
import { Line } from '../widgets/line.ts';
import { askLength } from './moving.ts';
import { due, next, NOTHING_HEARD, pause, type State, type Warning } from './state.ts';
import { look, moveOn, stayAwake } from './wire.ts';
import { clock, line, meaning, span, type Language } from './words.ts';

export class Watcher {
  readonly line: Line;
  private state: State = NOTHING_HEARD;
  private readonly warned = new Set<Warning>();
  private readonly trans: TranslationBundle;
  private readonly language: Language;
  private timer = 0;
  private popup: Popup | null = null;
  private leaving = false;
  private endTold = '';
  private readonly warnings: string[] = [];

  private readonly app: JupyterFrontEnd;

  constructor(app: JupyterFrontEnd, translator: ITranslator) {
    this.app = app;
    this.trans = translator.load('sampan');
    this.language = translator.languageCode.toLowerCase().startsWith('zh') ? 'zh' : 'en';
    this.line = new Line(() => this.open());
  }

  begin(): void {
    window.setInterval(() => this.draw(), 1000);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        void this.look();
      }
    });
    void this.look();
  }

  private get settings() {
    return this.app.serviceManager.serverSettings;
  }

  private async look(): Promise<void> {
    window.clearTimeout(this.timer);
    const before = this.state;
    this.state = next(before, await look(this.settings, before.session));
    this.draw();
    if ((this.state.replaced || (this.state.loggedOut && before.answer !== 'alive')) && !this.leaving) {
      this.leaving = true;
      await this.follow();
    }
    if (
      this.state.answer === 'ended' &&
      (before.answer !== 'ended' || before.said?.code !== this.state.said?.code)
    ) {
      this.tellEnd();
    }
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), pause(this.state, document.hidden));
  }

  private draw(): void {
    const now = Date.now();
    const warning = due(this.state, now, this.warned);
    if (warning !== null) {
      this.warned.add(warning);
      this.warn(warning, now);
    }
    const timely = this.warned.has('time') || this.warned.has('time-last');
    this.line.draw({
      text: line(this.state, now, this.trans, this.language),
      title: meaning(this.state, now, this.trans, this.language),
      tone: this.state.answer === 'alive' && timely ? 'warning' : this.state.answer
    });
  }

  private warn(warning: Warning, now: number): void {
    const { trans } = this;
    const at = (warning === 'idle' ? this.state.idleEndsAt : this.state.endsAt) ?? now;
    const left = span(at - now, trans);
    const when = clock(at, now, this.language);
    const save = { label: trans.__('Save all'), callback: () => void this.saveAll() };
    if (warning === 'idle') {
      const awake = () => {
        this.warned.delete('idle');
        void stayAwake(this.settings).then(() => this.look());
      };
      const told = Notification.warning(
        trans.__('Nothing is being done here. This session ends at %1 unless you use it.', when),
        {
          autoClose: false,
          actions: [{ label: trans.__('I am here'), displayType: 'accent', callback: awake }, save]
        }
      );
      this.warnings.push(told);
      return;
    }
    const move = {
      label: trans.__('Move on'),
      displayType: 'accent' as const,
      callback: () => void this.moveOn()
    };
    const told = Notification.warning(
      trans.__('This session ends in %1, at %2. Saved files are kept; variables are not.', left, when),
      { autoClose: false, actions: this.state.session?.may_move_on ? [save, move] : [save] }
    );
    this.warnings.push(told);
  }

  private tellEnd(): void {
    const message = meaning(this.state, Date.now(), this.trans, this.language);
    // What they offer is over.
    this.warnings.splice(0).forEach(warning => Notification.dismiss(warning));
    // The cause may be known a moment after the end.
    if (this.endTold !== '' && Notification.update({ id: this.endTold, message })) {
      return;
    }
    this.endTold = Notification.error(message, {
      autoClose: false,
      actions: [{ label: this.trans.__('Start again'), callback: () => this.startAgain() }]
    });
  }

  private startAgain(): void {
    const [host, prefix] = [PageConfig.getOption('hubHost'), PageConfig.getOption('hubPrefix') || '/hub/'];
    window.open(`${host}${prefix}home`, '_blank', 'noopener');
  }

  private open(): void {
    if (this.popup !== null && !this.popup.isDisposed) {
      this.popup.dispose();
      return;
    }
    const { state, trans, language } = this;
    const now = Date.now();
    const rows: [string, string][] = [];
    if (state.session !== null) {
      rows.push([trans.__('Share'), state.session.share], [trans.__('Machine'), state.session.node]);
    }
    if (state.endsAt !== null && state.answer !== 'ended') {
      rows.push([trans.__('Ends at'), clock(state.endsAt, now, language)]);
    }
    this.popup = showPopup({
      body: new Card({
        title: state.session?.names[language] ?? 'Sampan',
        text: meaning(state, now, trans, language),
        rows,
        buttons: this.buttons()
      }),
      anchor: this.line,
      align: 'left'
    });
    this.popup.node.querySelector('button')?.focus();
  }

  private buttons(): Button[] {
    const { trans, state } = this;
    const closing = (act: () => void) => () => {
      this.popup?.dispose();
      act();
    };
    if (state.answer === 'ended') {
      return [{ label: trans.__('Start again'), press: closing(() => this.startAgain()) }];
    }
    const save = { label: trans.__('Save all'), press: closing(() => void this.saveAll()) };
    const move = { label: trans.__('Move on'), press: closing(() => void this.moveOn()) };
    return state.session?.may_move_on ? [save, move] : [save];
  }

  /** Saves every open document that has changed; whether all of them could be. */
  private async saveAll(): Promise<boolean> {
    const contexts = new Set(
      [...this.app.shell.widgets('main')].filter(one => one instanceof DocumentWidget).map(one => one.context)
    );
    const changed = [...contexts].filter(context => context.model.dirty && !context.model.readOnly);
    const done = await Promise.allSettled(changed.map(context => context.save()));
    const all = done.every(one => one.status === 'fulfilled');
    if (all) {
      Notification.success(this.trans.__('All open documents are saved.'), { autoClose: 3000 });
    } else {
      Notification.error(this.trans.__('Not everything could be saved. What is open stays open here.'), {
        autoClose: false
      });
    }
    return all;
  }

  private async moveOn(): Promise<void> {
    const { trans } = this;
    const minutes = await askLength(this.state.session, trans);
    if (minutes === null || !(await this.saveAll())) {
      return;
    }
    const refused = await moveOn(this.settings, minutes).catch(() => ({
      en: trans.__('Nobody answered. Try again in a moment.'),
      zh: trans.__('Nobody answered. Try again in a moment.')
    }));
    if (refused === null) {
      Notification.info(
        trans.__('A new session is being prepared. Go on working; this page follows by itself.'),
        {
          autoClose: 8000
        }
      );
    } else {
      Notification.error(refused[this.language], { autoClose: false });
    }
    await this.look();
  }

  /** Another server answers here: what was changed is saved there, and the page loaded anew with the same notebooks. */
  private async follow(): Promise<void> {
    if (this.state.loggedOut) {
      // The way through the hub's login, which a page of ours is let through without a question.
      await fetch(URLExt.join(this.settings.baseUrl, 'lab'), { cache: 'no-store' }).catch(() => null);
    }
    if (await this.saveAll()) {
      window.location.reload();
    }
  }
}
