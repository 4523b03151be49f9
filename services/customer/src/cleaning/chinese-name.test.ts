import { syllables } from './chinese-name.js';

describe('the dictionary of readings', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is let go when no Chinese name came in for a while, and read again with the next', () => {
    const read = () => [syllables('单', 'family'), syllables('吕布', 'given')];
    const readings = [['shan'], ['lv', 'bu']];
    expect(read()).toEqual(readings);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(45_000);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(30_000);
    expect(jest.getTimerCount()).toBe(0);
    expect(read()).toEqual(readings);
    expect(jest.getTimerCount()).toBe(1);
  });
});
