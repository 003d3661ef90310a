/** A text with one line below it to fill in, and a word about what is wrong with it. It knows no application. */
import { Widget } from '@lumino/widgets';

export interface Asked {
  readonly text: string;
  readonly label: string;
  readonly value: string;
  /** What is wrong with what is filled in; empty where nothing is. */
  readonly wrong: (value: string) => string;
}

export class Field extends Widget {
  private readonly input = document.createElement('input');

  constructor(asked: Asked) {
    super();
    this.addClass('sampan-Field');
    const text = document.createElement('p');
    text.textContent = asked.text;
    const label = document.createElement('label');
    label.textContent = asked.label;
    const wrong = document.createElement('p');
    wrong.className = 'sampan-Field-wrong';
    wrong.setAttribute('role', 'alert');
    const check = (): void => {
      wrong.textContent = asked.wrong(this.input.value);
      this.input.setAttribute('aria-invalid', String(wrong.textContent !== ''));
    };
    this.input.className = 'jp-mod-styled';
    this.input.inputMode = 'numeric';
    this.input.value = asked.value;
    this.input.addEventListener('input', check);
    label.append(this.input);
    this.node.append(text, label, wrong);
    check();
  }

  /** What is filled in. */
  getValue(): string {
    return this.input.value;
  }
}
