import { type RefObject, useEffect, useRef } from "react";

/** A field that has the focus as soon as it is there, because somebody has asked for it. */
export function useFocused(): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return field;
}
