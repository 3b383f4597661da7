/** The same octets as a plain Uint8Array: a Buffer must not leave this folder, since its `slice` is a view where others expect a copy. */
export const octets = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
