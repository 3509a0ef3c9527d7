/** Draws anew soon after something changed: many changes in one moment make one call of `update`. */
export class Refresher {
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;

  constructor(private readonly update: () => void) {}

  /** Calls `update` in `ms` at the latest; sooner if that was asked for. */
  within(ms: number): void {
    const due = Date.now() + ms;
    if (due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.fire(), ms);
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private fire(): void {
    this.due = Infinity;
    this.update();
  }
}
