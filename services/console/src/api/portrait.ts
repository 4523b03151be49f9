import { get, nameOf, write } from './client.js';
import type { CalendarDate, Money, Paged } from './types.js';

/** Why a party has a tag. */
export interface TagGround {
  source: string;
  reference: string;
  setBy: string;
  setTime: string;
  expireTime?: string;
}

export interface Tag {
  /** `parties/{uuid}/tags/{id}`. */
  name: string;
  titleEn: string;
  titleZh: string;
  dataClass: string;
  grounds: TagGround[];
}

export interface TagDefinition {
  /** `tagDefinitions/{id}`. */
  name: string;
  titleEn: string;
  titleZh: string;
  dataClass: string;
  setByRoles: string[];
  lifetimeDays: number;
  retired: boolean;
}

export interface LifeEvent {
  name: string;
  kind: string;
  otherKind: string;
  startDate?: CalendarDate;
  endDate?: CalendarDate;
  certainty: string;
  source: string;
  recordedBy: string;
  retractTime?: string;
  etag: string;
}

export interface Goal {
  name: string;
  kind: string;
  target?: Money;
  targetDate?: CalendarDate;
  holdings: string[];
  state: string;
  progress?: Money;
  progressPercent: number;
  etag: string;
}

/** Something done in the app or on the web. */
export interface BehaviourEvent {
  kind: string;
  topic: string;
  channel: string;
  key: string;
}

export interface Measure {
  kind: string;
  code: string;
}

/** A departure from what was usual: minor units or a count, and how many standard deviations off. */
export interface BehaviourChange {
  name: string;
  measure?: Measure;
  expected: number;
  observed: number;
  deviations: number;
  sinceDate?: CalendarDate;
  noticeDate?: CalendarDate;
  endDate?: CalendarDate;
}

export const lifeEventKinds = [
  'LIFE_EVENT_KIND_BIRTH',
  'LIFE_EVENT_KIND_MARRIAGE',
  'LIFE_EVENT_KIND_DIVORCE',
  'LIFE_EVENT_KIND_MOVE',
  'LIFE_EVENT_KIND_NEW_JOB',
  'LIFE_EVENT_KIND_RETIREMENT',
  'LIFE_EVENT_KIND_HOME_PURCHASE',
  'LIFE_EVENT_KIND_GRADUATION',
  'LIFE_EVENT_KIND_BEREAVEMENT',
  'LIFE_EVENT_KIND_INHERITANCE',
  'LIFE_EVENT_KIND_BUSINESS_FOUNDED',
] as const;
export const certainties = [
  'LIFE_EVENT_CERTAINTY_CONFIRMED',
  'LIFE_EVENT_CERTAINTY_REPORTED',
  'LIFE_EVENT_CERTAINTY_INFERRED',
] as const;
export const goalKinds = [
  'GOAL_KIND_HOME',
  'GOAL_KIND_EDUCATION',
  'GOAL_KIND_RETIREMENT',
  'GOAL_KIND_TRAVEL',
  'GOAL_KIND_RESERVE',
  'GOAL_KIND_VEHICLE',
  'GOAL_KIND_BUSINESS',
  'GOAL_KIND_OTHER',
] as const;

/** The tags of a party, also those of the most sensitive class where the caller may see them. */
export function listTags(id: string, signal?: AbortSignal) {
  return get<{ tags: Tag[] } & Paged>(`${nameOf('parties', id)}/tags`, { pageSize: 200 }, signal);
}

export function listTagDefinitions(signal?: AbortSignal) {
  return get<{ tagDefinitions: TagDefinition[] } & Paged>('tagDefinitions', { pageSize: 1000 }, signal);
}

export function setTag(id: string, wish: { definition: string; expireTime?: string }) {
  return write<{ tags: Tag[] }>(`${nameOf('parties', id)}/tags:set`, { tags: [wish] });
}

export function removeTag(name: string) {
  return write<{ tags: Tag[] }>(name, {}, 'DELETE');
}

export function listLifeEvents(id: string, signal?: AbortSignal) {
  return get<{ lifeEvents: LifeEvent[] } & Paged>(`${nameOf('parties', id)}/lifeEvents`, { pageSize: 100 }, signal);
}

export function recordLifeEvent(
  id: string,
  lifeEvent: { kind: string; startDate: CalendarDate; certainty: string; source: string },
) {
  return write<{ lifeEvent: LifeEvent }>(`${nameOf('parties', id)}/lifeEvents`, { lifeEvent });
}

export function retractLifeEvent(name: string) {
  return write<{ lifeEvent: LifeEvent }>(`${name}:retract`, {});
}

export function setGoal(
  id: string,
  goal: { kind: string; target: Money; targetDate?: CalendarDate; holdings: string[] },
) {
  return write<{ goal: Goal }>(`${nameOf('parties', id)}/goals`, { goal });
}

export function abandonGoal(name: string) {
  return write<{ goal: Goal }>(`${name}:abandon`, {});
}
