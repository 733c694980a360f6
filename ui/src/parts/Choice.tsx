import { NativeSelect } from "@chakra-ui/react";

type Props = {
  value: string;
  choices: readonly string[];
  onChange: (chosen: string) => void;
  /** Of the label that is shown for it; else it has its name from `label`. */
  id?: string;
  label?: string;
  width?: "auto";
};

/** A list of texts of which one is chosen. */
export function Choice({ value, choices, onChange, id, label, width }: Props) {
  return (
    <NativeSelect.Root size="sm" w={width}>
      <NativeSelect.Field
        aria-label={label}
        id={id}
        onChange={(event) => onChange(event.target.value)}
        value={value}
      >
        {choices.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  );
}
