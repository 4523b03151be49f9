import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

/** What @grpc/reflection 1.0.4 keeps inside: the bytes that it answers for each file. The version is pinned. */
interface Implementation {
  fileEncodings: Map<{ name?: string | null }, Uint8Array>;
}

/**
 * Adds gRPC server reflection (v1 and v1alpha) for the named services of a descriptor image. The library encodes files
 * anew and loses their imports on the way, so that clients cannot resolve a service; its bytes are replaced by those of
 * the image.
 */
export function addReflection(server: Server, image: Buffer, services: readonly string[]): void {
  const original = new Map(
    fromBinary(FileDescriptorSetSchema, image).file.map((file) => [
      file.name,
      toBinary(FileDescriptorProtoSchema, file),
    ]),
  );
  const reflection = new ReflectionService(loadFileDescriptorSetFromBuffer(image), { services: [...services] });
  const { v1, v1Alpha } = reflection as unknown as Record<'v1' | 'v1Alpha', Implementation | undefined>;
  for (const implementation of [v1, v1Alpha]) {
    if (!implementation?.fileEncodings) throw new Error('@grpc/reflection is not the version this repair is for');
    for (const file of implementation.fileEncodings.keys()) {
      const bytes = original.get(file.name ?? '');
      if (bytes) implementation.fileEncodings.set(file, bytes);
    }
  }
  reflection.addToServer(server);
}
