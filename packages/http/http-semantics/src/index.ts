export type { HttpConnection, HttpEvent, HttpOver } from './connection.ts';
export { contentLength, INVALID_LENGTH, NO_LENGTH, parseContentLength } from './content-length.ts';
export { type Field, type Fields, fieldSectionSize, fieldValue, fieldValues } from './fields.ts';
export { endToEnd, isConnectionSpecific } from './hop-by-hop.ts';
export { type MethodProperties, methodProperties } from './methods.ts';
export type { FrameObserver, MappedKind } from './observer.ts';
export { DEFAULT_PRIORITY, formatPriority, type Priority, parsePriority } from './priority.ts';
export { isInformational, neverHasContent, parseStatus, statusClass } from './status.ts';
export { isFieldValue, isLowerCaseFieldName, isToken, trimBlanks } from './syntax.ts';
