/** What was thrown for the seeds [first, first + count), in words: the list that a sweep expects to be empty. */
export function failuresOf(first: number, count: number, run: (seed: number) => unknown): string[] {
  const failures: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    try {
      run(seed);
    } catch (error) {
      failures.push(String(error));
    }
  }
  return failures;
}
