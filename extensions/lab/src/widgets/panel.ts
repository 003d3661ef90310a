/** A side panel that is drawn by a function, and looks again and again while it is seen. It knows no application. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

export interface Drawing {
  readonly draw: () => ReactElement;
  /** Finds out what there is to draw. */
  readonly look: () => Promise<void>;
  /** Milliseconds from one look to the next. */
  readonly every: number;
}

export class Panel extends ReactWidget {
  private readonly drawing: Drawing;
  private clock = 0;
  private timer = 0;

  constructor(drawing: Drawing) {
    super();
    this.drawing = drawing;
    this.addClass('sampan-Panel');
    document.addEventListener('visibilitychange', () => this.begin());
  }

  /** Whether somebody may be looking at it. */
  get seen(): boolean {
    return this.isVisible && !document.hidden;
  }

  /** Looks now, where it is seen. */
  async look(): Promise<void> {
    window.clearTimeout(this.timer);
    if (!this.seen) {
      return;
    }
    await this.drawing.look();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), this.drawing.every);
  }

  protected render(): ReactElement {
    return this.drawing.draw();
  }

  protected override onAfterShow(): void {
    this.begin();
  }

  protected override onBeforeHide(): void {
    window.clearInterval(this.clock);
  }

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('button, input, summary')?.focus();
  }

  private begin(): void {
    window.clearInterval(this.clock);
    if (this.seen) {
      // What it shows of time goes on by itself.
      this.clock = window.setInterval(() => this.update(), 1000);
      void this.look();
    }
  }
}
