/**
 * Takes the pictures of the documentation, from a real VS Code with a real kernel and a real agent:
 *
 *     npm run screenshots        writes docs/images/vscode-*.png
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Agent } from '../test/ui/client.mjs';
import { openWorkbench } from '../test/ui/page.mjs';
import { python, startServer } from '../test/ui/setup.mjs';

const IMAGES = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  'docs',
  'images',
);
const PERMISSION = 'Do you want to grant Kernel access';

const LOOK_AT_DECAY = `# How fast does the signal decay?
log_signal = np.log(df.signal.clip(lower=1e-3))
slope, offset = np.polyfit(df.time[:100], log_signal[:100], 1)
df["fit"] = np.exp(offset + slope * df.time)
print(f"decay time {-1 / slope:.2f} s")`;

const PLOT = `import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 2.6), layout="tight")
ax.plot(df.time, df.signal, ".", ms=3, label="signal")
ax.plot(df.time, df.fit, label="fit")
ax.set_xlabel("time (s)")
ax.legend()
plt.show()`;

const SEARCH = `import time
from itertools import count

for epoch in count(1):
    time.sleep(0.4)
    print(f"epoch {epoch:2d}   loss {0.9 ** epoch:.4f}")`;

test('pictures of the documentation', { timeout: 240_000 }, async (t) => {
  await mkdir(IMAGES, { recursive: true });
  const server = await startServer();
  t.after(() => server.stop());
  const workbench = await openWorkbench(server, server.folder, {
    width: 1200,
    height: 800,
    scale: 2,
  });
  t.after(() => workbench.close());
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.answerDialog(PERMISSION, 'Allow');
  await workbench.statusSays('Claude: analysis.ipynb');

  const agent = await Agent.start(server, python, server.folder);
  t.after(() => agent.close());
  await agent.call('list_variables');
  await agent.call('inspect', { expression: 'df' });
  const asked = agent.execute(LOOK_AT_DECAY);
  await workbench.toast('wants to run code').getByRole('button', { name: 'Review' }).click();
  await workbench.detail.getByText('Allow until sharing stops').waitFor();
  await workbench.screenshot(path.join(IMAGES, 'vscode-approval.png'));
  await workbench.detail.getByText('Allow until sharing stops').click();
  await asked;

  await agent.execute(PLOT);
  const search = agent.execute(SEARCH);
  await workbench.statusSays(/Claude: running ([4-9]|\d\d) s/);
  await workbench.screenshot(path.join(IMAGES, 'vscode-running.png'));
  await workbench.command("Interrupt Claude's Run");
  await search;
});
