/**
 * A VS Code to try the extension in, with an example notebook, from a fresh clone:
 *
 *     npm run vscode        prints an address to open in a browser; Ctrl+C ends it
 *
 * It has folders of its own: nothing of your VS Code is touched, and nothing stays. The Jupyter extension is not on npm,
 * so a stand-in of the tests runs the cells. To try the extension in your own VS Code: `npm run package`, then
 * "Extensions: Install from VSIX…".
 */
import process from 'node:process';
import { startServer } from '../test/ui/setup.mjs';

const settings = { 'chat.disableAIFeatures': false };
const server = await startServer({ settings });
const address = new URL(server.url);
address.searchParams.set('folder', server.folder);
process.stdout.write(`
VS Code is at   ${address.href}

1. Open analysis.ipynb and run the first cell.
2. Share its kernel: the button in the notebook's toolbar, or "Share Kernel with Claude" in the palette.
3. Let an agent in, from another terminal:

   cd ${server.folder}
   COKERNEL_STATE_DIR=${server.stateFolder} claude mcp add cokernel -- ${server.front.join(' ')}
   COKERNEL_STATE_DIR=${server.stateFolder} claude

Ctrl+C ends it.
`);

const stop = async () => {
  await server.stop();
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => void stop());
