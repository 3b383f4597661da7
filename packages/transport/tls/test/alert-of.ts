import { TlsAlert } from '../src/index.ts';

/** The alert that ends this; any other exception is passed on. */
export function alertOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof TlsAlert) return error.alert;
    throw error;
  }
  throw new Error('it did not fail');
}
