import { endToEnd, type Field, type Fields } from '@quiclab/http-semantics';

/** Fields as Headers; pseudo-header fields are left out, cookie lines come together (RFC 9114 §4.2.1). Throws TypeError for what Headers do not take. */
export function toHeaders(fields: Fields): Headers {
  const headers = new Headers();
  let cookie = '';
  for (const [name, value] of fields) {
    if (name === 'cookie') cookie = cookie === '' ? value : `${cookie}; ${value}`;
    else if (!name.startsWith(':')) headers.append(name, value);
  }
  if (cookie !== '') headers.set('cookie', cookie);
  return headers;
}

/** Headers as fields, behind the given pseudo-header fields. What is about the connection stays behind (RFC 9114 §4.2). */
export function toFields(pseudo: Fields, headers: Headers): Field[] {
  const fields: Field[] = [];
  headers.forEach((value, name) => {
    fields.push([name, value]); // set-cookie comes line by line
  });
  return [...pseudo, ...endToEnd(fields)];
}
