import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { z } from 'zod';
import { staffRoles } from '../session/session.js';

/** One person of the embedded provider. */
const userSchema = z.strictObject({
  username: z.string().regex(/^[a-z][a-z0-9.-]{1,63}$/),
  name: z.string().min(1).max(100),
  roles: z.array(z.enum(staffRoles)).min(1),
  organisationPath: z.string().regex(/^\/(?:[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*)?$/),
  staffId: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  /** The staff ids of those whom the person stands in for. */
  team: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/))
    .max(100)
    .default([]),
  language: z.enum(['en', 'zh']),
  /** `scrypt$<N>$<r>$<p>$<salt>$<hash>`, the last two in base64url. */
  password: z.string().regex(/^scrypt\$\d+\$\d+\$\d+\$[\w-]+\$[\w-]+$/),
});

export type User = z.infer<typeof userSchema>;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);
const cost = { N: 16_384, r: 8, p: 1 };
const keyLength = 32;
const maxmem = 128 * 1024 * 1024;

/** The scrypt hash of a password in the form of the users file. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password.normalize('NFKC'), salt, keyLength, {
    ...cost,
    maxmem,
  });
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

async function passwordFits(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt = '', hash = ''] = stored.split('$');
  const expected = Buffer.from(hash, 'base64url');
  const options = { N: Number(N), r: Number(r), p: Number(p), maxmem };
  const given = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), expected.length, options);
  return timingSafeEqual(given, expected);
}

/** Reads the users file; throws with what is wrong in it. */
export function readUsers(file: string): Map<string, User> {
  const parsed = z
    .array(userSchema)
    .min(1)
    .safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is not a users file: ${z.prettifyError(parsed.error)}`);
  return new Map(parsed.data.map((user) => [user.username, user]));
}

// Takes as long as a real comparison, so that the time does not tell whether a user exists.
const nobody = `scrypt$${cost.N}$${cost.r}$${cost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** The user whose password this is, else undefined. */
export async function checkPassword(
  users: Map<string, User>,
  username: string,
  password: string,
): Promise<User | undefined> {
  const user = users.get(username.trim().toLowerCase());
  const fits = await passwordFits(password, user?.password ?? nobody);
  return user && fits ? user : undefined;
}

type DemoUser = Omit<User, 'password' | 'organisationPath' | 'team'> & { unit: string };

/**
 * One person of each role; `unit` is where they sit below the demo bank's root. The two who belong to a branch are
 * employees of the generated bank, so that they have customers of their own.
 */
const demoUsers: DemoUser[] = [
  {
    username: 'mara.manager',
    name: 'Mara Dvořáková',
    roles: ['relationship_manager'],
    unit: '/north/1',
    staffId: 'demo-north-1-s2',
    language: 'en',
  },
  {
    username: 'carl.caller',
    name: 'Carl Novák',
    roles: ['call_centre_agent'],
    unit: '',
    staffId: 'carl.caller',
    language: 'en',
  },
  {
    username: 'mei.marketer',
    name: '梅琳',
    roles: ['marketer'],
    unit: '',
    staffId: 'mei.marketer',
    language: 'zh',
  },
  {
    username: 'adam.approver',
    name: 'Adam Svoboda',
    roles: ['marketing_approver'],
    unit: '',
    staffId: 'adam.approver',
    language: 'en',
  },
  {
    username: 'bella.branch',
    name: 'Bella Černá',
    roles: ['branch_manager'],
    unit: '/north/1',
    staffId: 'demo-north-1-s1',
    language: 'en',
  },
  {
    username: 'otto.auditor',
    name: 'Otto Veselý',
    roles: ['auditor'],
    unit: '',
    staffId: 'otto.auditor',
    language: 'en',
  },
  {
    username: 'lin.analyst',
    name: '林安',
    roles: ['analyst'],
    unit: '',
    staffId: 'lin.analyst',
    language: 'zh',
  },
  {
    username: 'alma.admin',
    name: 'Alma Horáková',
    roles: ['administrator'],
    unit: '',
    staffId: 'alma.admin',
    language: 'en',
  },
  {
    username: 'petra.privacy',
    name: 'Petra Soukupová',
    roles: ['privacy_officer'],
    unit: '',
    staffId: 'petra.privacy',
    language: 'en',
  },
  {
    username: 'stella.steward',
    name: 'Stella Marková',
    roles: ['data_steward'],
    unit: '',
    staffId: 'stella.steward',
    language: 'en',
  },
];

/** Writes a users file with one demo person of each role, all with this password, below the organisation path. */
export async function writeDemoUsers(file: string, organisationPath: string, password: string): Promise<void> {
  const root = organisationPath === '/' ? '' : organisationPath;
  const users = await Promise.all(
    demoUsers.map(async ({ unit, ...user }): Promise<User> => {
      return {
        ...user,
        organisationPath: `${root}${unit}` || '/',
        team: [],
        password: await hashPassword(password),
      };
    }),
  );
  writeFileSync(file, `${JSON.stringify(z.array(userSchema).parse(users), null, 2)}\n`, { mode: 0o600 });
}
