import { Input, type InputProps } from "@chakra-ui/react";
import { useEffect, useRef, useState } from "react";

type Props = Omit<InputProps, "aria-label" | "value" | "onChange"> & {
  label: string;
  value: string;
  onChange: (text: string) => void;
};

const PAUSE = 300;

/** A text that counts when nobody has typed for a moment: the address follows too slowly to be typed into. */
export function TextFilter({ label, value, onChange, ...rest }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const change = useRef(onChange);
  change.current = onChange;
  useEffect(() => {
    if (typed === null) return undefined;
    const timer = setTimeout(() => change.current(typed), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  // From here on the address has it, and may be changed by others.
  useEffect(() => setTyped((before) => (before === value ? null : before)), [value]);
  return (
    <Input
      {...rest}
      aria-label={label}
      onChange={(event) => setTyped(event.target.value)}
      size="sm"
      value={typed ?? value}
    />
  );
}
