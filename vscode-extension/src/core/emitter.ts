/** Events without an editor; what `on` returns fits wherever VS Code takes a disposable. */

export interface Disposable {
  dispose(): void;
}

export type Listener<T> = (value: T) => void;

export class Emitter<T> {
  private readonly listeners = new Set<Listener<T>>();

  readonly on = (listener: Listener<T>): Disposable => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };

  emit(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}
