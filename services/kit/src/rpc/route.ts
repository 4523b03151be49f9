import type { Call } from './call.js';

/** One method of a service definition, as ts-proto generates it for grpc-js. */
export interface MethodShape {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  requestSerialize: (value: never) => Buffer;
  requestDeserialize: (bytes: Buffer) => unknown;
  responseSerialize: (value: never) => Buffer;
  responseDeserialize: (bytes: Buffer) => unknown;
}

/** A service definition of ts-proto: `CustomerServiceService`. */
export type DefinitionShape = Readonly<Record<string, MethodShape>>;

/** The request message of a method. */
export type RequestOf<M extends MethodShape> = ReturnType<M['requestDeserialize']>;
/** The answer message of a method. */
export type ResponseOf<M extends MethodShape> = ReturnType<M['responseDeserialize']>;

/** What serves one method; whether requests and answers are single or a stream follows from the method. */
export type Handler<M extends MethodShape> = (
  request: M['requestStream'] extends true ? AsyncIterable<RequestOf<M>> : RequestOf<M>,
  call: Call,
) => M['responseStream'] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>;

/** One handler for each method of a definition. */
export type Handlers<D extends DefinitionShape> = { readonly [K in keyof D]: Handler<D[K]> };

/** A handler whose message types were checked by `route` and are no longer needed. */
export type AnyHandler = (request: unknown, call: Call) => Promise<unknown> | AsyncIterable<unknown>;

/** A service definition with its handlers, for `startServer`. */
export interface Route {
  definition: DefinitionShape;
  handlers: Readonly<Record<string, AnyHandler>>;
}

/** Binds every method of a service definition to its handler; a missing one is a type error. */
export function route<D extends DefinitionShape>(definition: D, handlers: Handlers<D>): Route {
  return { definition, handlers: handlers as unknown as Record<string, AnyHandler> };
}

/** The full name of a method, `rapport.customer.v1.CustomerService/GetParty`: its path without the leading slash. */
export function methodName(method: { path: string }): string {
  return method.path.slice(1);
}
