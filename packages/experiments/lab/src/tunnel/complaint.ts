/** What a command complained of: the line that names an error, for behind it stand help and traces; the last one where none does. */
export function inOneLine(complaint: string): string {
  const lines = complaint.trim().split('\n');
  return lines.find((line) => /^\s*(\w*error|fatal)\b/i.test(line))?.trim() ?? lines.at(-1)!;
}
