/** Asks for the person's attention when a call waits for them, and only then. */
import * as vscode from 'vscode';
import type { Activity } from '../core/protocol';
import { describeWish, withoutLinks } from '../core/words';
import type { DetailView } from '../views/detailView';
import type { Sharing } from './sharing';

export class Attention implements vscode.Disposable {
  private readonly asked = new Set<string>();
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly sharing: Sharing,
    private readonly detail: DetailView,
  ) {
    this.subscription = sharing.model.onActivity((activity) => {
      if (activity.state === 'waiting_approval') void this.ask(activity);
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private async ask(activity: Activity): Promise<void> {
    const { approval } = activity;
    if (this.asked.has(approval)) return;
    this.asked.add(approval);
    // In view already: the question itself is what draws the eye.
    if (this.detail.isVisible) return;
    const review = 'Review';
    const answer = await vscode.window.showInformationMessage(
      withoutLinks(describeWish(activity)),
      review,
      'Deny',
    );
    if (answer === review) await this.detail.review();
    else if (answer !== undefined && this.stillWaits(approval)) {
      await this.sharing.answer(approval, 'deny');
    }
  }

  private stillWaits(approval: string): boolean {
    return this.sharing.model.waiting().some((each) => each.approval === approval);
  }
}
