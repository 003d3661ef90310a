/** One call that comes later, unless it is taken back before; then it may be asked for again. */
export class Later {
  private timer: ReturnType<typeof setTimeout> | null = null;

  /** Calls in so many milliseconds; nothing where a call is on its way already. */
  begin(call: () => void, milliseconds: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      call();
    }, milliseconds);
  }

  stop(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }
}
