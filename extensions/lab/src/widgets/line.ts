/** A line of a status bar that can be pressed. It knows no application: what it shows is given to it. */
import { Widget } from '@lumino/widgets';

export interface Shown {
  readonly text: string;
  readonly title: string;
  /** A word that the style sheet knows. */
  readonly tone: string;
}

export class Line extends Widget {
  private readonly button = document.createElement('button');
  private readonly label = document.createElement('span');

  constructor(pressed: () => void) {
    super();
    this.addClass('sampan-Line');
    this.button.type = 'button';
    const dot = document.createElement('span');
    dot.className = 'sampan-Line-dot';
    this.label.className = 'sampan-Line-text';
    this.button.append(dot, this.label);
    this.button.addEventListener('click', event => {
      // What it opens is closed by a click elsewhere.
      event.stopPropagation();
      pressed();
    });
    this.node.append(this.button);
  }

  /** Draws what has changed. */
  draw(shown: Shown): void {
    if (this.label.textContent !== shown.text) {
      this.label.textContent = shown.text;
    }
    if (this.button.title !== shown.title) {
      this.button.title = shown.title;
    }
    if (this.node.dataset['tone'] !== shown.tone) {
      this.node.dataset['tone'] = shown.tone;
    }
  }
}
