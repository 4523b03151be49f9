import { testDatabase, type TestDatabase } from '@rapport/test/kit';
import { type Database, everything, openDatabase, sql } from '../db/index.js';
import { type AuditCaller, audit, auditReads, systemCaller } from './index.js';

let database: TestDatabase;
let db: Database;

const caller: AuditCaller = {
  principal: { subject: 'staff/42', roles: ['relationship_manager', 'marketer'] },
  method: 'rapport.customer.v1.CustomerService/UpdateParty',
  purpose: 'service',
};

const records = (resource: string) =>
  db.system.rows(sql`
    SELECT actor, roles, action, resource, purpose, detail FROM kit.audit WHERE resource = ${resource} ORDER BY id`);

beforeAll(async () => {
  database = await testDatabase('kit');
  db = openDatabase({ url: database.url, application: 'audit-test' });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

describe('audit', () => {
  it('commits with its transaction and marks it', async () => {
    await db.transaction(everything, async (tx) => {
      await audit(tx, caller, {
        resource: 'parties/1',
        change: { status: 'closed', name: undefined },
        fields: ['name'],
      });
      expect(tx.marks.has('audit')).toBe(true);
    });
    expect(await records('parties/1')).toEqual([
      {
        actor: 'staff/42',
        roles: ['relationship_manager', 'marketer'],
        action: 'rapport.customer.v1.CustomerService/UpdateParty',
        resource: 'parties/1',
        purpose: 'service',
        detail: { change: { status: 'closed' }, fields: ['name'] },
      },
    ]);
  });

  it('is gone when its transaction is', async () => {
    const failed = db.transaction(everything, async (tx) => {
      await audit(tx, caller, { resource: 'parties/2' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await records('parties/2')).toEqual([]);
  });

  it('writes one record per resource, at once outside of a transaction, also for work of the service itself', async () => {
    await audit(db, systemCaller('cases', 'rapport.customer.v1.PartyMerged'), {
      resource: ['parties/3', 'parties/4'],
      action: 'merge',
      purpose: 'quality',
    });
    expect(await records('parties/4')).toMatchObject([
      { actor: 'service:cases', roles: ['service'], action: 'merge', purpose: 'quality', detail: {} },
    ]);
    expect(await records('parties/3')).toHaveLength(1);
  });

  it('cannot be changed or removed by the service', async () => {
    await audit(db, caller, { resource: 'parties/5' });
    await expect(db.system.run(sql`UPDATE kit.audit SET actor = 'x'`)).rejects.toThrow('kept as they were written');
    await expect(db.system.run(sql`DELETE FROM kit.audit`)).rejects.toThrow('kept as they were written');
    await expect(db.system.run(sql`TRUNCATE kit.audit`)).rejects.toThrow('kept as they were written');
  });

  it('lets no column but those of the chain change when it is sealed', async () => {
    await audit(db, caller, { resource: 'parties/6' });
    const columns = await db.system.rows<{ name: string; type: string }>(sql`
      SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = 'kit.audit'::regclass AND attnum > 0 AND NOT attisdropped
        AND attname NOT IN ('chain_seq', 'prev_hash', 'hash')`);
    const other: Record<string, string> = {
      uuid: `gen_random_uuid()`,
      xid8: `'7'`,
      text: `'other'`,
      'text[]': `'{other}'`,
      jsonb: `'{"other": 1}'`,
      'timestamp with time zone': `now() + interval '1 hour'`,
    };
    const seal = `chain_seq = 9007199254740991, prev_hash = '\\x00', hash = '\\x01'`;
    for (const { name, type } of columns) {
      const changed = sql.raw(`UPDATE kit.audit SET ${seal}, ${name} = ${other[type]} WHERE resource = 'parties/6'`);
      await expect(db.system.run(changed)).rejects.toThrow('kept as they were written');
    }
    await expect(
      db.system.run(sql.raw(`UPDATE kit.audit SET chain_seq = 1 WHERE resource = 'parties/6'`)),
    ).rejects.toThrow('kept as they were written');
    expect(await db.system.run(sql.raw(`UPDATE kit.audit SET ${seal} WHERE resource = 'parties/6'`))).toBe(1);
    await expect(db.system.run(sql.raw(`UPDATE kit.audit SET ${seal} WHERE resource = 'parties/6'`))).rejects.toThrow(
      'kept as they were written',
    );
    await audit(db, caller, { resource: 'parties/7' });
    await expect(db.system.run(sql.raw(`UPDATE kit.audit SET ${seal} WHERE resource = 'parties/7'`))).rejects.toThrow(
      'audit_chain',
    );
  });
});

describe('auditReads', () => {
  it('resolves when the record is committed', async () => {
    const reads = auditReads(db);
    await reads.record(caller, 'parties/10');
    await reads.record(caller, ['parties/10', 'parties/11'], {
      action: 'reveal',
      fields: ['tax_id'],
      reason: 'call_back',
    });
    expect(await records('parties/10')).toHaveLength(2);
    expect(await records('parties/11')).toMatchObject([
      { action: 'reveal', detail: { fields: ['tax_id'], reason: 'call_back' } },
    ]);
    await reads.record(caller, []);
  });

  it('keeps the callers of one statement apart', async () => {
    const reads = auditReads(db);
    const callers = Array.from({ length: 20 }, (_none, at) => ({
      principal: { subject: `staff/${at % 7}`, roles: at % 3 === 0 ? ['marketer'] : ['marketer', 'auditor'] },
      method: at % 2 === 0 ? 'read' : 'list',
      purpose: at % 5 === 0 ? 'quality' : 'service',
    }));
    await Promise.all(callers.map((one, at) => reads.record(one, `apart/${at}`, at === 4 ? { reason: 'asked' } : {})));
    for (const [at, { principal, method, purpose }] of callers.entries()) {
      expect(await records(`apart/${at}`)).toEqual([
        {
          actor: principal.subject,
          roles: principal.roles,
          action: method,
          resource: `apart/${at}`,
          purpose,
          detail: at === 4 ? { reason: 'asked' } : {},
        },
      ]);
    }
  });

  it('writes the records of concurrent readers together, each exactly once', async () => {
    let statements = 0;
    const counted: Database = {
      ...db,
      unprotected: { ...db.unprotected, run: (query) => (statements++, db.unprotected.run(query)) },
    };
    const reads = auditReads(counted);
    const readers = 64;
    const each = 40;
    await Promise.all(
      Array.from({ length: readers }, async (_reader, reader) => {
        for (let index = 0; index < each; index += 1) await reads.record(caller, `many/${reader}-${index}`);
      }),
    );
    const { count, distinct } = await db.system.one<{ count: bigint; distinct: bigint }>(sql`
      SELECT count(*) AS count, count(DISTINCT resource) AS distinct FROM kit.audit WHERE resource LIKE 'many/%'`);
    expect([count, distinct]).toEqual([BigInt(readers * each), BigInt(readers * each)]);
    expect(statements).toBeLessThan((readers * each) / 10);
  });

  it('commits without waiting for the disk, and only then', async () => {
    const settings: string[] = [];
    const spied: Database = {
      ...db,
      unprotected: {
        ...db.unprotected,
        run: (query) => {
          settings.push(query.text);
          return db.unprotected.run(query);
        },
      },
    };
    await auditReads(spied).record(caller, 'parties/12');
    await audit(spied, caller, { resource: 'parties/12' });
    expect(settings[0]).toContain(`set_config('synchronous_commit', 'off', true)`);
    expect(settings[1]).not.toContain('synchronous_commit');
    // the setting ends with its statement (test databases commit asynchronously unless told otherwise)
    await db.system.run(sql.raw(`ALTER DATABASE ${database.name} SET synchronous_commit = on`));
    const one = openDatabase({ url: database.url, application: 'audit-test', max: 1 });
    await auditReads(one).record(caller, 'parties/12');
    expect(await one.system.one(sql`SELECT current_setting('synchronous_commit') AS value`)).toEqual({ value: 'on' });
    await one.close();
  });

  it('rejects all records of a statement that failed, and works again after', async () => {
    let broken = true;
    const failing: Database = {
      ...db,
      unprotected: {
        ...db.unprotected,
        run: (query) => (broken ? Promise.reject(new Error('away')) : db.unprotected.run(query)),
      },
    };
    const reads = auditReads(failing);
    const results = await Promise.allSettled([reads.record(caller, 'lost/1'), reads.record(caller, 'lost/2')]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    broken = false;
    await reads.record(caller, 'lost/3');
    expect(await records('lost/3')).toHaveLength(1);
    expect(await records('lost/1')).toHaveLength(0);
  });

  it('refuses when too many wait', async () => {
    const stuck: Database = {
      ...db,
      unprotected: { ...db.unprotected, run: () => new Promise<number>(() => undefined) },
    };
    const reads = auditReads(stuck);
    const many = Array.from({ length: 20_001 }, (_, index) => `x/${index}`);
    await expect(reads.record(caller, many)).rejects.toThrow('too many read records');
  });
});
