/** Splits a byte stream into lines at `\n` alone: node's own readline would also split at U+2028. */
export class LineSplitter {
  private rest: Buffer[] = [];

  /** The lines that `chunk` completes, without their ends. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.rest.push(chunk.subarray(from, end));
      lines.push(Buffer.concat(this.rest).toString('utf8'));
      this.rest = [];
      from = end + 1;
    }
    if (from < chunk.length) this.rest.push(chunk.subarray(from));
    return lines;
  }
}
