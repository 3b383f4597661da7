import { definePage, type Page } from './page.ts';

/**
 * A flat page: all files at once, in the order given. Paths are relative to the directory that is served, with '/' between
 * their parts; what a URL cannot hold is percent-encoded (RFC 3986 §2.1), the id stays the path as given.
 */
export function filesWorkload(files: readonly { readonly path: string; readonly size: number }[], name = 'files'): Page {
  return definePage({ name, objects: files.map(({ path, size }) => ({ id: path, path: urlPath(path), size })) });
}

/** '/a%20b/c.ts' for 'a b/c.ts'. */
export const urlPath = (path: string): string => `/${path.replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/')}`;
