/** Puts code into notebooks, where a person sees what is run for them. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { DocumentWidget } from '@jupyterlab/docregistry';
import type { ISharedNotebook } from '@jupyter/ydoc';

/** The part of a notebook's content that is needed here: which cell is in front. */
interface Cells {
  activeCellIndex: number;
}

export interface Notebook {
  readonly panel: DocumentWidget;
  readonly shared: ISharedNotebook;
  readonly cells: Cells;
}

/** Notebooks of one Lab. The one in front stays so while a page of something else is looked at. */
export class Notebooks {
  private readonly app: JupyterFrontEnd;
  private last: Notebook | null = null;

  constructor(app: JupyterFrontEnd) {
    this.app = app;
  }

  /** The notebook in front; null where there is none. */
  get front(): Notebook | null {
    const now = notebookIn(this.app.shell.currentWidget);
    if (now !== null) {
      this.last = now;
    }
    return this.last?.panel.isDisposed === false ? this.last : null;
  }

  /** Puts a cell below the one in front; whether there was a notebook for it. */
  insert(code: string): boolean {
    const notebook = this.front;
    if (notebook === null) {
      return false;
    }
    this.put(notebook, code);
    return true;
  }

  /** Puts a cell into the notebook in front, or into a new one with that kernel, and runs it; whether there was one. */
  async run(kernel: string, code: string): Promise<boolean> {
    const notebook = kernel === '' ? this.front : await this.create(kernel);
    if (notebook === null) {
      return false;
    }
    const { context, revealed } = notebook.panel;
    // A cell that is run before there is a session is not run at all; one whose kernel waits elsewhere is run when it comes.
    await Promise.all([context.ready, revealed, context.sessionContext.ready]);
    this.put(notebook, code);
    await this.app.commands.execute('notebook:run-cell');
    return true;
  }

  /** A new notebook with that kernel. */
  async create(kernel: string): Promise<Notebook | null> {
    return notebookIn(await this.app.commands.execute('notebook:create-new', { kernelName: kernel }));
  }

  private put({ panel, shared, cells }: Notebook, code: string): void {
    const at = cells.activeCellIndex;
    const cell = shared.cells[at];
    if (cell?.cell_type === 'code' && cell.source.trim() === '') {
      cell.setSource(code);
    } else {
      shared.insertCell(at + 1, { cell_type: 'code', source: code, metadata: { trusted: true } });
      cells.activeCellIndex = at + 1;
    }
    this.app.shell.activateById(panel.id);
  }
}

function notebookIn(widget: unknown): Notebook | null {
  if (!(widget instanceof DocumentWidget)) {
    return null;
  }
  const shared = widget.context.model.sharedModel as Partial<ISharedNotebook>;
  return 'insertCell' in shared && 'activeCellIndex' in widget.content
    ? {
        panel: widget,
        shared: shared as ISharedNotebook,
        cells: widget.content as unknown as Cells
      }
    : null;
}
