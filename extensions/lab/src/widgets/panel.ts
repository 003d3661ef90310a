/** A side panel that is drawn by a function whenever `update` is called, and says when it is seen. It knows no application. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

export interface Drawing {
  readonly draw: () => ReactElement;
  /** Called when the panel comes into view and when it goes. */
  readonly seen: (visible: boolean) => void;
}

export class Panel extends ReactWidget {
  private readonly drawing: Drawing;

  constructor(drawing: Drawing) {
    super();
    this.drawing = drawing;
    this.addClass('sampan-Panel');
  }

  protected render(): ReactElement {
    return this.drawing.draw();
  }

  protected override onAfterShow(): void {
    this.drawing.seen(true);
  }

  protected override onBeforeHide(): void {
    this.drawing.seen(false);
  }

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('button, input, summary')?.focus();
  }
}
