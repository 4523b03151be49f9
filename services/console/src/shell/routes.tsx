import type { RouteObject } from 'react-router';
import { Frame } from './frame.js';
import { HomePage, NotFoundPage, PageFailed } from './home-page.js';

/** Each page is a file of its own, loaded when it is opened. */
export const routes: RouteObject[] = [
  {
    element: <Frame />,
    // What is seen while the first page's file is loaded.
    hydrateFallbackElement: <div />,
    children: [
      {
        errorElement: <PageFailed />,
        children: [
          { path: '/', element: <HomePage /> },
          { path: '/sign-in', element: <HomePage /> },
          { path: '/parties', lazy: async () => ({ Component: (await import('../pages/search-page.js')).SearchPage }) },
          {
            path: '/parties/:party',
            lazy: async () => ({ Component: (await import('../pages/customer/customer-page.js')).CustomerPage }),
          },
          {
            path: '/segments',
            lazy: async () => ({ Component: (await import('../pages/segment/segments-page.js')).SegmentsPage }),
          },
          {
            path: '/segments/new',
            lazy: async () => ({ Component: (await import('../pages/segment/new-segment-page.js')).NewSegmentPage }),
          },
          {
            path: '/segmentation/attributes',
            lazy: async () => ({ Component: (await import('../pages/segment/catalogue-page.js')).CataloguePage }),
          },
          {
            path: '/segmentation/flows',
            lazy: async () => ({ Component: (await import('../pages/segment/flows-page.js')).FlowsPage }),
          },
          {
            path: '/segmentation/schemes',
            lazy: async () => ({ Component: (await import('../pages/scheme/schemes-page.js')).SchemesPage }),
          },
          {
            path: '/segmentation/schemes/new',
            lazy: async () => ({ Component: (await import('../pages/scheme/new-scheme-page.js')).NewSchemePage }),
          },
          {
            path: '/segmentation/schemes/:scheme',
            lazy: async () => ({ Component: (await import('../pages/scheme/scheme-page.js')).SchemePage }),
          },
          {
            path: '/segmentation/lists',
            lazy: async () => ({ Component: (await import('../pages/list/lists-page.js')).ListsPage }),
          },
          {
            path: '/segmentation/lists/:list',
            lazy: async () => ({ Component: (await import('../pages/list/list-page.js')).ListPage }),
          },
          {
            path: '/segmentation/lists/:list/uploads/:upload',
            lazy: async () => ({ Component: (await import('../pages/list/upload-page.js')).UploadPage }),
          },
          {
            path: '/segmentation/templates',
            lazy: async () => ({ Component: (await import('../pages/scheme/templates-page.js')).TemplatesPage }),
          },
          {
            path: '/segments/:segment',
            lazy: async () => ({ Component: (await import('../pages/segment/segment-page.js')).SegmentPage }),
          },
          {
            path: '/campaigns',
            lazy: async () => ({ Component: (await import('../pages/campaign/campaigns-page.js')).CampaignsPage }),
          },
          {
            path: '/campaigns/new',
            lazy: async () => ({ Component: (await import('../pages/campaign/new-campaign-page.js')).NewCampaignPage }),
          },
          {
            path: '/campaigns/:campaign',
            lazy: async () => ({ Component: (await import('../pages/campaign/campaign-page.js')).CampaignPage }),
          },
          {
            path: '/cases',
            lazy: async () => ({ Component: (await import('../pages/case/cases-page.js')).CasesPage }),
          },
          {
            path: '/cases/:case',
            lazy: async () => ({ Component: (await import('../pages/case/case-page.js')).CasePage }),
          },
          {
            path: '/ranking',
            lazy: async () => ({ Component: (await import('../pages/ranking-page.js')).RankingPage }),
          },
          {
            path: '/dashboard',
            lazy: async () => ({ Component: (await import('../pages/dashboard/dashboard-page.js')).DashboardPage }),
          },
          {
            path: '/parties/:party/privacy',
            lazy: async () => ({
              Component: (await import('../pages/privacy/party-privacy-page.js')).PartyPrivacyPage,
            }),
          },
          {
            path: '/matches',
            lazy: async () => ({ Component: (await import('../pages/matching/queue-page.js')).QueuePage }),
          },
          {
            path: '/quality',
            lazy: async () => ({ Component: (await import('../pages/source/quality-page.js')).QualityPage }),
          },
          {
            path: '/imports',
            lazy: async () => ({ Component: (await import('../pages/import/imports-page.js')).ImportsPage }),
          },
          {
            path: '/imports/:import',
            lazy: async () => ({ Component: (await import('../pages/import/import-page.js')).ImportPage }),
          },
          {
            path: '/sources',
            lazy: async () => ({ Component: (await import('../pages/source/sources-page.js')).SourcesPage }),
          },
          {
            path: '/requests',
            lazy: async () => ({ Component: (await import('../pages/privacy/requests-page.js')).RequestsPage }),
          },
          {
            path: '/requests/:request',
            lazy: async () => ({ Component: (await import('../pages/privacy/request-page.js')).RequestPage }),
          },
          {
            path: '/audit',
            lazy: async () => ({ Component: (await import('../pages/audit/audit-page.js')).AuditPage }),
          },
          { path: '*', element: <NotFoundPage /> },
        ],
      },
    ],
  },
];
