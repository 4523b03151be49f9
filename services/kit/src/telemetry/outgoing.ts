import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';

/**
 * The instrumentation of grpc-js for outgoing calls alone: the spans of served calls are made by kit/rpc (see `served`),
 * and would otherwise be made twice.
 */
export class OutgoingCalls extends GrpcInstrumentation {
  override init(): ReturnType<GrpcInstrumentation['init']> {
    const definitions = super.init();
    for (const definition of definitions) {
      const { patch } = definition;
      definition.patch = (exports, version) => {
        const patched = patch?.(exports, version) as { Server: { prototype: { register: unknown } } };
        this._unwrap(patched.Server.prototype, 'register');
        return patched;
      };
    }
    return definitions;
  }
}
