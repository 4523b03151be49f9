import { type Scope, scopeFilter, type Sql, sql } from '@rapport/kit/db';
import { etag } from '@rapport/kit/rpc';
import { type Dashboard, Tile } from '@rapport/proto/reporting/v1';
import { placeOf } from '../caller/caller.js';

/** A dashboard as it is stored. */
export interface DashboardRecord {
  dashboardId: string;
  titleEn: string;
  titleZh: string;
  organisationPath: string;
  /** Tiles in proto3 JSON. */
  tiles: unknown;
  author: string;
  createTime: Date;
}

/** Its columns, under the names of the record. */
export const dashboardColumns = sql`dashboard_id AS "dashboardId", title_en AS "titleEn", title_zh AS "titleZh",
  organisation_path AS "organisationPath", tiles, author, create_time AS "createTime"`;

/** The resource name of a dashboard. */
export function dashboardName(dashboardId: string): string {
  return `dashboards/${dashboardId}`;
}

/** The condition that keeps the dashboards of those who stand above their path, or below it. */
export function dashboardFilter(scope: Scope): Sql {
  const above = scopeFilter(scope, { path: 'organisation_path' });
  const place = placeOf(scope);
  if (!place) return above;
  return sql`(${above} OR organisation_path = '/' OR starts_with(${place}, organisation_path || '/'))`;
}

/** A stored dashboard, as callers see it. */
export function dashboardMessage(row: DashboardRecord): Dashboard {
  return {
    name: dashboardName(row.dashboardId),
    titleEn: row.titleEn,
    titleZh: row.titleZh,
    organisationPath: row.organisationPath,
    tiles: (row.tiles as unknown[]).map((tile) => Tile.fromJSON(tile)),
    author: row.author,
    createTime: row.createTime,
    etag: etag(row.dashboardId, row.createTime),
  };
}
