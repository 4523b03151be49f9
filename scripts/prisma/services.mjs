// Which services have a Prisma schema, and where.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export const schemaOf = (service) => path.join(root, 'services', service, 'prisma/schema.prisma');
export const migrationsOf = (service) => path.join(root, 'services', service, 'prisma/migrations');

export function servicesWithSchema() {
  return readdirSync(path.join(root, 'services'))
    .filter((service) => existsSync(schemaOf(service)))
    .sort();
}
