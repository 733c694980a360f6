// Times and durations in words, in Airflow's chosen time zone and language.

import { zone } from "src/parts/zone";
import { language } from "src/texts";

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** How long before or after `now` a time is: "3 minutes ago". */
export function ago(time: Date, now: Date): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(
    Math.trunc(seconds / size),
    unit,
  );
}

/** A time to the second with its zone. */
export function absolute(time: Date): string {
  return time.toLocaleString(language(), { dateStyle: "medium", timeStyle: "long", timeZone: zone() });
}

/** A time to the minute, for sentences: "Fri, Nov 28, 10:00 AM". */
export function moment(time: Date): string {
  return time.toLocaleString(language(), {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone(),
  });
}

/** A time to the second without its zone, for lists: "11/28/26, 10:00:07 AM". */
export function stamp(time: Date): string {
  return time.toLocaleString(language(), { dateStyle: "short", timeStyle: "medium", timeZone: zone() });
}

/** A time to the second, with its date unless that is today's: "10:00:07 AM". */
export function clock(time: Date, now: Date): string {
  const day = (of: Date) => of.toLocaleDateString(language(), { timeZone: zone() });
  return day(time) === day(now)
    ? time.toLocaleTimeString(language(), { timeStyle: "medium", timeZone: zone() })
    : stamp(time);
}

/** A duration in its two largest units: "2 h 5 min". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10)
    return `${seconds.toLocaleString(language(), { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor((whole % 86_400) / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
