import { counter, histogram } from '@rapport/kit/telemetry';

/** What this service emits besides kit; declared in deploy/otel/attributes/marketing.yaml. */
export const deliveryMetric = {
  decided: {
    name: 'rapport.delivery.decided',
    instrument: 'counter',
    unit: '{delivery}',
    brief: 'Decisions about messages, by what was decided and why.',
  },
  sendDuration: {
    name: 'rapport.delivery.send_duration',
    instrument: 'histogram',
    unit: 's',
    brief: 'How long the mail server took for one message.',
  },
  due: {
    name: 'rapport.delivery.due',
    instrument: 'gauge',
    unit: '{delivery}',
    brief: 'Messages that are due and that no worker has taken.',
  },
} as const;

export const deliveryCounter = counter(deliveryMetric.decided);
export const sendDuration = histogram(deliveryMetric.sendDuration);
