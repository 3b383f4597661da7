/** The application asked for what HTTP does not allow. The connection lives. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
