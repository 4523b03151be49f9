import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { testAuth, testBus, testDatabase, testToken } from './index.js';
import { testRun } from './run.js';

async function ask(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('testDatabase', () => {
  it('gives every caller a database of its own, owned by a role that is no superuser', async () => {
    const [first, second] = await Promise.all([testDatabase('kit'), testDatabase('kit')]);
    expect(first.name).not.toBe(second.name);
    await ask(first.url, 'CREATE TABLE only_here (id int)');
    const [role] = await ask(
      first.url,
      'SELECT current_user AS name, usesuper, usebypassrls FROM pg_user WHERE usename = current_user',
    );
    expect(role).toEqual({ name: 'rapport_kit', usesuper: false, usebypassrls: false });
    await expect(ask(second.url, 'SELECT * FROM only_here')).rejects.toThrow('does not exist');
    expect(await ask(first.superuserUrl, 'SELECT current_user AS name')).toEqual([{ name: 'postgres' }]);
    await first.drop();
    await first.drop();
    await second.drop();
    await expect(ask(first.url, 'SELECT 1')).rejects.toThrow('does not exist');
  });

  it('runs on a server whose log quotes no value of a row', async () => {
    const database = await testDatabase('kit');
    await ask(database.url, 'CREATE TABLE person (name text PRIMARY KEY)');
    for (const text of [
      `INSERT INTO person VALUES ('Planted Novak'), ('Planted Novak')`,
      `SELECT 'Planted Novak'::uuid`,
      `SELECT '["Planted Novak", "\\u0000"]'::jsonb`,
    ]) {
      await expect(ask(database.url, text)).rejects.toThrow();
    }
    const log = readFileSync(join(testRun().dir, 'postgres.log'), 'utf8');
    expect(log).toContain('ready to accept connections');
    expect(log).not.toContain('Planted');
    await database.drop();
  });

  it('sorts and encodes as a bank on any machine would', async () => {
    const database = await testDatabase('kit');
    const [settings] = await ask(database.url, `SELECT current_setting('timezone') AS zone, lower('ŽĚ') AS lower`);
    expect(settings).toEqual({ zone: 'UTC', lower: 'žě' });
    await database.drop();
  });
});

describe('testBus', () => {
  it('keeps what was stored over a crash, on the same address', async () => {
    const bus = await testBus();
    const streams = await jetstreamManager(bus.nats);
    await streams.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
    await jetstream(bus.nats).publish('kept.one', 'hello');
    await bus.kill();
    await bus.start();
    const info = await streams.streams.info('KEPT');
    expect(info.state.messages).toBe(1);
    await bus.close();
    await bus.close();
  });

  it('shares no stream with another bus', async () => {
    const [first, second] = await Promise.all([testBus(), testBus()]);
    await (await jetstreamManager(first.nats)).streams.add({ name: 'MINE', subjects: ['mine'] });
    const names = await (await jetstreamManager(second.nats)).streams.names().next();
    expect(names).toEqual([]);
    await Promise.all([first.close(), second.close()]);
  });
});

describe('testToken', () => {
  it('is signed by the key whose public half is published', async () => {
    const token = testToken({ roles: ['auditor'], orgPath: '/berka' });
    const [head = '', body = '', signature = ''] = token.split('.');
    const { keys } = JSON.parse(readFileSync(testAuth().jwksFile, 'utf8')) as { keys: Record<string, string>[] };
    const jwk = keys.find((key) => key.kid === 'gateway');
    expect(jwk).toBeDefined();
    expect(jwk?.['d']).toBeUndefined();
    const key = await crypto.subtle.importKey('jwk', { ...jwk, key_ops: ['verify'] }, 'Ed25519', false, ['verify']);
    const valid = await crypto.subtle.verify(
      'Ed25519',
      key,
      Buffer.from(signature, 'base64url'),
      Buffer.from(`${head}.${body}`),
    );
    expect(valid).toBe(true);
    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toMatchObject({
      iss: 'gateway',
      aud: 'rapport',
      org_path: '/berka',
      roles: ['auditor'],
      typ: 'staff',
    });
  });
});
