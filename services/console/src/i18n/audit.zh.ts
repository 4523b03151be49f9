import type { enums as enEnums, sections as enSections } from './audit.en.js';

/** 审计验证页面的文字。 */
export const sections: typeof enSections = {
  audit: {
    note: '每个服务都会记录谁读取、修改了什么；记录连成链，任何改动都会被发现。',
    verifyAll: '全部验证',
    verify: '验证',
    stop: '停止',
    progress: '验证进度',
    broken: '有一条记录与写入时不同',
    brokenAdvice: '请勿做任何更改。保留该记录写入时间之前的备份，并通知安全负责人：有人绕过服务直接写入了数据库。',
    whole: '所有审计链完整：没有记录被修改、删除或调换。',
    service: '服务',
    result: '结果',
    records: '已验证记录',
    roots: '签名根',
    unsealed: '尚未封存',
    first: '第 {{sequence}} 条记录：',
    written: '写入于',
    services: {
      customer: '客户',
      segmentation: '客群',
      marketing: '营销',
      cases: '工单',
      performance: '绩效',
      reporting: '报表',
    },
    states: {
      never: '尚未验证',
      waiting: '等待中',
      running: '验证中',
      whole: '完整',
      broken: '已破坏',
      failed: '无法验证',
      stopped: '已停止',
    },
  },
};

export const enums: typeof enEnums = {
  AUDIT_MISSING: '记录缺失',
  AUDIT_HASH_MISMATCH: '内容与封存时不同',
  AUDIT_ROOT_MISMATCH: '与签名根不符，此前的链被重写',
  AUDIT_SIGNATURE_INVALID: '其根不是由本服务的密钥签名',
};
