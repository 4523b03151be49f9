import { BarChart, HeatmapChart, LineChart, PieChart, SankeyChart } from 'echarts/charts';
import {
  AriaComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';

echarts.use([
  BarChart,
  LineChart,
  PieChart,
  HeatmapChart,
  SankeyChart,
  AriaComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  VisualMapComponent,
  SVGRenderer,
]);

export type ChartOption = echarts.EChartsCoreOption;

// Charts measure their texts, so that the font must be named and not inherited.
const font = 'Arial, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';
const palette = ['#0f766e', '#c2410c', '#4338ca', '#b45309', '#be185d', '#0369a1', '#4d7c0f', '#7c3aed'];

/** A chart that follows its place's width. `name` is read to those who do not see it. */
export default function Chart({ option, height, name }: { option: ChartOption; height: number; name: string }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts | undefined>(undefined);
  useEffect(() => {
    if (!place.current) return undefined;
    const drawn = echarts.init(place.current, undefined, { renderer: 'svg' });
    chart.current = drawn;
    const follow = new ResizeObserver(() => drawn.resize());
    follow.observe(place.current);
    return () => {
      follow.disconnect();
      drawn.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current?.setOption(
      { color: palette, aria: { enabled: true }, textStyle: { fontFamily: font }, animation: false, ...option },
      true,
    );
  }, [option]);
  return <div ref={place} role="img" aria-label={name} style={{ width: '100%', height }} />;
}
