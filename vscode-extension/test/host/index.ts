/** The entry that VS Code calls: runs the suite in the extension host and leaves a report in a file. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import * as vscode from 'vscode';

interface Result {
  readonly title: string;
  readonly error: string | undefined;
}

export async function run(): Promise<void> {
  const grep = process.env['COKERNEL_TEST_GREP'];
  const mocha = new Mocha({ timeout: 180_000, ui: 'bdd', ...(grep ? { grep } : {}) });
  mocha.addFile(path.join(__dirname, 'suite.js'));
  const results: Result[] = [];
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) => results.push({ title: test.fullTitle(), error: undefined }))
      .on('fail', (test, error: Error) =>
        results.push({ title: test.fullTitle(), error: error.stack ?? String(error) }),
      );
  });
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  writeFileSync(path.join(folder?.uri.fsPath ?? '', 'report.json'), JSON.stringify(results));
  if (failures > 0) throw new Error(`${failures} failed`);
}
